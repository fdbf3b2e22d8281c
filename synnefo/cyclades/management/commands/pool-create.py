from synnefo.cyclades.networks.commands.pool_create import Command as Command
