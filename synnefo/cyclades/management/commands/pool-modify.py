from synnefo.cyclades.networks.commands.pool_modify import Command as Command
