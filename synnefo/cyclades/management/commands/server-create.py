from synnefo.cyclades.servers.commands.create import Command as Command
