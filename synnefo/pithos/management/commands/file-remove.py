from synnefo.pithos.namespace.commands.file_remove import Command as Command
