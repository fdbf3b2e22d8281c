from synnefo.astakos.catalog.commands.resource_modify import Command as Command
