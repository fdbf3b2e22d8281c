from synnefo.cyclades.networks.commands.subnet_modify import Command as Command
