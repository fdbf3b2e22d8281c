from synnefo.cyclades.networks.commands.remove import Command as Command
