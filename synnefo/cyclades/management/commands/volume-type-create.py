from synnefo.cyclades.volume_types.commands.create import Command as Command
