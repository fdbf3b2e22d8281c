from synnefo.astakos.projects.commands.show import Command as Command
