from synnefo.cyclades.servers.commands.volume_attach import Command as Command
