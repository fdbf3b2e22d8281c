from synnefo.cyclades.volume_types.commands.modify import Command as Command
