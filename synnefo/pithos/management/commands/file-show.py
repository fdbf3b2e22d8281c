from synnefo.pithos.namespace.commands.file_show import Command as Command
