from synnefo.pithos.upkeep.commands.reconcile_resources import Command as Command
