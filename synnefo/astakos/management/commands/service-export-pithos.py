from synnefo.astakos.catalog.commands.service_export_pithos import Command as Command
