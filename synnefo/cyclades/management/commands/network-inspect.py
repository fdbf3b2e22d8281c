from synnefo.cyclades.networks.commands.inspect import Command as Command
