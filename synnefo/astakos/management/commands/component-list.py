from synnefo.astakos.catalog.commands.component_list import Command as Command
