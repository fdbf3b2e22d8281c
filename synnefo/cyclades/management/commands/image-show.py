from synnefo.cyclades.images.commands.show import Command as Command
