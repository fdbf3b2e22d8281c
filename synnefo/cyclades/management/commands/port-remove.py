from synnefo.cyclades.servers.commands.port_remove import Command as Command
