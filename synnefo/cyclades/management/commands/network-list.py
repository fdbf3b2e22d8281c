from synnefo.cyclades.networks.commands.list import Command as Command
