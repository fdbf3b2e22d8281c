from synnefo.cyclades.volume_types.commands.list import Command as Command
