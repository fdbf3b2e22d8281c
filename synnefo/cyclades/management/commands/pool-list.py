from synnefo.cyclades.networks.commands.pool_list import Command as Command
