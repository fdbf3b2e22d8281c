from synnefo.astakos.catalog.commands.service_export_cyclades import Command as Command
