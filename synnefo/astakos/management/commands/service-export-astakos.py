from synnefo.astakos.catalog.commands.service_export_astakos import Command as Command
