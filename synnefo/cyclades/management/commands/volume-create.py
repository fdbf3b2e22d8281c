from synnefo.cyclades.servers.commands.volume_create import Command as Command
