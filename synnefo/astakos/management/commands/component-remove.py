from synnefo.astakos.catalog.commands.component_remove import Command as Command
