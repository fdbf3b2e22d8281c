from synnefo.astakos.accounts.commands.group_list import Command as Command
