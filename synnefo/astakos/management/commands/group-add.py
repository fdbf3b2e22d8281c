from synnefo.astakos.accounts.commands.group_add import Command as Command
