from synnefo.astakos.catalog.commands.component_register import Command as Command
