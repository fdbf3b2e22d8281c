from synnefo.cyclades.backends.commands.list import Command as Command
