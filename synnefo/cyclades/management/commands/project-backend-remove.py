from synnefo.cyclades.backends.commands.project_remove import Command as Command
