from synnefo.cyclades.networks.commands.subnet_create import Command as Command
