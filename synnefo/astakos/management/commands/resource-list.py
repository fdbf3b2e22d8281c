from synnefo.astakos.catalog.commands.resource_list import Command as Command
