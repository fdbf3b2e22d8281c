from synnefo.pithos.namespace.commands.file_list import Command as Command
