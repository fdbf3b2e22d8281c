from synnefo.pithos.namespace.commands.public_list import Command as Command
