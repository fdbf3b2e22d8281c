from synnefo.cyclades.networks.commands.port_inspect import Command as Command
