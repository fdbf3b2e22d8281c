from synnefo.cyclades.networks.commands.subnet_list import Command as Command
