from synnefo.cyclades.volumes.commands.snapshot_show import Command as Command
