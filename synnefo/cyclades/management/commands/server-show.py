from synnefo.cyclades.servers.commands.show import Command as Command
