from synnefo.astakos.accounts.commands.user_find_duplicates import Command as Command
