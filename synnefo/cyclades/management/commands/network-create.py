from synnefo.cyclades.networks.commands.create import Command as Command
