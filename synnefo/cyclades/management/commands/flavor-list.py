from synnefo.cyclades.flavors.commands.list import Command as Command
