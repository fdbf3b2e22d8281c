from synnefo.pithos.namespace.commands.account_list import Command as Command
