from synnefo.cyclades.networks.commands.floating_ip_list import Command as Command
