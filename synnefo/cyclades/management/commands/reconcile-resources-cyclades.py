from synnefo.cyclades.upkeep.commands.reconcile_resources import Command as Command
