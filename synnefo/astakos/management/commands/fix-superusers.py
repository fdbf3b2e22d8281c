from synnefo.astakos.accounts.commands.fix_superusers import Command as Command
