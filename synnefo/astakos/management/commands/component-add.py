from synnefo.astakos.catalog.commands.component_add import Command as Command
