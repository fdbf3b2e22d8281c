from synnefo.cyclades.servers.commands.remove import Command as Command
