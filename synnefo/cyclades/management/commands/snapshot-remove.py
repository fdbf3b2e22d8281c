from synnefo.cyclades.volumes.commands.snapshot_remove import Command as Command
