from synnefo.astakos.accounts.commands.token_add import Command as Command
