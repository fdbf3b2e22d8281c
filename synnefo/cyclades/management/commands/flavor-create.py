from synnefo.cyclades.flavors.commands.create import Command as Command
