from synnefo.pithos.upkeep.commands.reconcile_commissions import Command as Command
