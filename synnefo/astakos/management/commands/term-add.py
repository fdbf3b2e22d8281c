from synnefo.astakos.accounts.commands.term_add import Command as Command
