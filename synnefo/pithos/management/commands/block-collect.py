from synnefo.pithos.upkeep.commands.block_collect import Command as Command
