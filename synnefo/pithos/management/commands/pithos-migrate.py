from synnefo.pithos.upkeep.commands.pithos_migrate import Command as Command
