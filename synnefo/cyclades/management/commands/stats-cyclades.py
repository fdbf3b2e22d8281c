from synnefo.cyclades.upkeep.commands.stats import Command as Command
