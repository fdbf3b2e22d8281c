from synnefo.cyclades.servers.commands.rescue_remove import Command as Command
