from synnefo.astakos.catalog.commands.service_import import Command as Command
