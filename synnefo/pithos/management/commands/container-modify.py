from synnefo.pithos.namespace.commands.container_modify import Command as Command
