from synnefo.astakos.oauth.commands.client_add import Command as Command
