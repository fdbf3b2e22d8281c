from synnefo.astakos.catalog.commands.component_modify import Command as Command
