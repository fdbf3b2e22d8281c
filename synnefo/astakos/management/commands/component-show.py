from synnefo.astakos.catalog.commands.component_show import Command as Command
