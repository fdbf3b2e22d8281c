from synnefo.astakos.quotas.commands.astakos_quota import Command as Command
