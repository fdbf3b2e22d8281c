from synnefo.cyclades.flavors.commands.modify import Command as Command
