from synnefo.cyclades.backends.commands.project_add import Command as Command
