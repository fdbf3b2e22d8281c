from synnefo.cyclades.volumes.commands.list import Command as Command
