from synnefo.cyclades.volumes.commands.snapshot_list import Command as Command
