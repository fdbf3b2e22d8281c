from synnefo.pithos.namespace.commands.container_show import Command as Command
