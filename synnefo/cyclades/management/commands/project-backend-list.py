from synnefo.cyclades.backends.commands.project_list import Command as Command
