from synnefo.cyclades.volumes.commands.show import Command as Command
