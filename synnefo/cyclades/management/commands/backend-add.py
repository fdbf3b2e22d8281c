from synnefo.cyclades.backends.commands.add import Command as Command
