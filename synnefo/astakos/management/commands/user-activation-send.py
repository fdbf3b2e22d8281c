from synnefo.astakos.accounts.commands.user_activation_send import Command as Command
