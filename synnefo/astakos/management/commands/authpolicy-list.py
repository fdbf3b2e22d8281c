from synnefo.astakos.methods.commands.authpolicy_list import Command as Command
