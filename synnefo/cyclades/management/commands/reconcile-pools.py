from synnefo.cyclades.networks.commands.reconcile_pools import Command as Command
