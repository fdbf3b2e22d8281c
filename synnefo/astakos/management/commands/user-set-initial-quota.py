from synnefo.astakos.quotas.commands.user_set_initial_quota import Command as Command
