from synnefo.astakos.methods.commands.authpolicy_remove import Command as Command
