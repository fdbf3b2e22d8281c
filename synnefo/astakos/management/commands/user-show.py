from synnefo.astakos.accounts.commands.user_show import Command as Command
