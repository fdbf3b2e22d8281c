from synnefo.astakos.oauth.commands.client_remove import Command as Command
