from synnefo.cyclades.servers.commands.volume_remove import Command as Command
