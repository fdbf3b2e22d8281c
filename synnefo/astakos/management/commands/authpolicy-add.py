from synnefo.astakos.methods.commands.authpolicy_add import Command as Command
