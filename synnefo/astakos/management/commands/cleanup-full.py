from synnefo.astakos.accounts.commands.cleanup_full import Command as Command
