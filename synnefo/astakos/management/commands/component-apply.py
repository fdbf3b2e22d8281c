from synnefo.astakos.catalog.commands.component_apply import Command as Command
