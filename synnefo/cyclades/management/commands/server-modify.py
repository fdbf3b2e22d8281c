from synnefo.cyclades.servers.commands.modify import Command as Command
