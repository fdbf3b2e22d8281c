from synnefo.cyclades.volumes.commands.snapshot_create import Command as Command
