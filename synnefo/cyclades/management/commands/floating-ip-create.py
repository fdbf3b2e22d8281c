from synnefo.cyclades.networks.commands.floating_ip_create import Command as Command
