from synnefo.cyclades.backends.commands.remove import Command as Command
