from synnefo.astakos.catalog.commands.service_export import Command as Command
