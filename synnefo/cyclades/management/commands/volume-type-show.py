from synnefo.cyclades.volume_types.commands.show import Command as Command
