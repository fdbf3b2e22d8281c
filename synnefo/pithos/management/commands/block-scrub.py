from synnefo.pithos.upkeep.commands.block_scrub import Command as Command
