from synnefo.cyclades.networks.commands.pool_remove import Command as Command
