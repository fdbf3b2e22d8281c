from synnefo.astakos.quotas.commands.reconcile import Command as Command
