from synnefo.cyclades.servers.commands.inspect import Command as Command
