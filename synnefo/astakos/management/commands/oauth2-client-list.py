from synnefo.astakos.oauth.commands.client_list import Command as Command
