from synnefo.astakos.oauth.commands.key_renew import Command as Command
