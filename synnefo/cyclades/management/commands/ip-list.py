from synnefo.cyclades.networks.commands.ip_list import Command as Command
