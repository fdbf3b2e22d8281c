from synnefo.cyclades.networks.commands.reconcile_networks import Command as Command
