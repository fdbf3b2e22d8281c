from synnefo.astakos.accounts.commands.user_list import Command as Command
