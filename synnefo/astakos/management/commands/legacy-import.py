from synnefo.astakos.legacy.commands.legacy_import import Command as Command
