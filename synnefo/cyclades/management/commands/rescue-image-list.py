from synnefo.cyclades.servers.commands.rescue_list import Command as Command
