from synnefo.cyclades.servers.commands.list import Command as Command
