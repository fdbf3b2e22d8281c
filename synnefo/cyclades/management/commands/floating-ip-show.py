from synnefo.cyclades.networks.commands.floating_ip_show import Command as Command
