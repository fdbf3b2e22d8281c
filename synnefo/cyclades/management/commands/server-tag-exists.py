from synnefo.cyclades.servers.commands.tag_exists import Command as Command
