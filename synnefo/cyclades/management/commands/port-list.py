from synnefo.cyclades.networks.commands.port_list import Command as Command
