from synnefo.cyclades.upkeep.commands.enforce import Command as Command
