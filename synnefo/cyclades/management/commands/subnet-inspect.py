from synnefo.cyclades.networks.commands.subnet_inspect import Command as Command
