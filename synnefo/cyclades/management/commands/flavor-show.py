from synnefo.cyclades.flavors.commands.show import Command as Command
