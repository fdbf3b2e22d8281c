from synnefo.astakos.accounts.commands.user_add import Command as Command
