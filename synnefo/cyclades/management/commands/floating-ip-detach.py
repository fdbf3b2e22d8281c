from synnefo.cyclades.servers.commands.floating_ip_detach import Command as Command
