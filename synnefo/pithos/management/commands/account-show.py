from synnefo.pithos.namespace.commands.account_show import Command as Command
