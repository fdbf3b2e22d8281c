from synnefo.engine.reconcile_commissions import Command as Command
