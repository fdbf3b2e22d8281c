from synnefo.cyclades.volumes.commands.inspect import Command as Command
