from synnefo.cyclades.backends.commands.modify import Command as Command
