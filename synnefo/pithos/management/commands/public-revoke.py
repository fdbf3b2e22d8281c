from synnefo.pithos.namespace.commands.public_revoke import Command as Command
