from synnefo.cyclades.images.commands.build import Command as Command
