from synnefo.cyclades.backends.commands.update_status import Command as Command
