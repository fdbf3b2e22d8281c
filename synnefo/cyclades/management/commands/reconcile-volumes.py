from synnefo.cyclades.volumes.commands.reconcile import Command as Command
