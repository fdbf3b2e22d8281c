from synnefo.pithos.namespace.commands.container_list import Command as Command
