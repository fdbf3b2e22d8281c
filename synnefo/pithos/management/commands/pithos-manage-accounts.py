from synnefo.pithos.namespace.commands.manage_accounts import Command as Command
