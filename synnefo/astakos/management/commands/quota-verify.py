from synnefo.astakos.quotas.commands.quota_verify import Command as Command
