from synnefo.cyclades.images.commands.list import Command as Command
