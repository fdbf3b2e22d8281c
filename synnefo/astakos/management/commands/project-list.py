from synnefo.astakos.projects.commands.list import Command as Command
