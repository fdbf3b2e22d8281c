from synnefo.cyclades.images.commands.register import Command as Command
