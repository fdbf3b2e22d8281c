from synnefo.astakos.methods.commands.authpolicy_set import Command as Command
