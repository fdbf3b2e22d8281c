from synnefo.astakos.accounts.commands.user_modify import Command as Command
