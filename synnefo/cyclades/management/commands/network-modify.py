from synnefo.cyclades.networks.commands.modify import Command as Command
