from synnefo.astakos.quotas.commands.quota_list import Command as Command
