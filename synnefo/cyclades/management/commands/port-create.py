from synnefo.cyclades.servers.commands.port_create import Command as Command
