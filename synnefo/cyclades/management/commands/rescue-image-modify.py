from synnefo.cyclades.servers.commands.rescue_modify import Command as Command
