from synnefo.astakos.quotas.commands.stats_astakos import Command as Command
