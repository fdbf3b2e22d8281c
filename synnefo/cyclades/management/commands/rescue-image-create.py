from synnefo.cyclades.servers.commands.rescue_create import Command as Command
