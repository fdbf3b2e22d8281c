from synnefo.cyclades.flavors.commands.access_list import Command as Command
