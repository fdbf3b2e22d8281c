from synnefo.astakos.quotas.commands.usage_export import Command as Command
