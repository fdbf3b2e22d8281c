from synnefo.cyclades.flavors.commands.access_add import Command as Command
