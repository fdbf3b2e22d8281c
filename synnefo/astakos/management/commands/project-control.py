from synnefo.astakos.projects.commands.control import Command as Command
