from synnefo.pithos.upkeep.commands.block_stats import Command as Command
