from synnefo.cyclades.volumes.commands.modify import Command as Command
