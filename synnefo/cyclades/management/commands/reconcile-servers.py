from synnefo.cyclades.upkeep.commands.reconcile_servers import Command as Command
