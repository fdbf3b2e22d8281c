from synnefo.cyclades.volumes.commands.snapshot_modify import Command as Command
