from synnefo.cyclades.servers.commands.floating_ip_attach import Command as Command
