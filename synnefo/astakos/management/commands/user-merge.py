from synnefo.astakos.accounts.commands.user_merge import Command as Command
