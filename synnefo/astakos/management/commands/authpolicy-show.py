from synnefo.astakos.methods.commands.authpolicy_show import Command as Command
