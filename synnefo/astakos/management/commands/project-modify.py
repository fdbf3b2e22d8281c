from synnefo.astakos.projects.commands.modify import Command as Command
