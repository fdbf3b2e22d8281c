from synnefo.cyclades.networks.commands.pool_show import Command as Command
