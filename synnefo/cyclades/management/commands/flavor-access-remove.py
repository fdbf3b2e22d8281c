from synnefo.cyclades.flavors.commands.access_remove import Command as Command
