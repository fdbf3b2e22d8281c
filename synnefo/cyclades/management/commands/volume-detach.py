from synnefo.cyclades.servers.commands.volume_detach import Command as Command
