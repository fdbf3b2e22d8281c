from synnefo.astakos.accounts.commands.fix_deactivated_users import Command as Command
