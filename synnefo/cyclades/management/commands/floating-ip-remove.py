from synnefo.cyclades.networks.commands.floating_ip_remove import Command as Command
