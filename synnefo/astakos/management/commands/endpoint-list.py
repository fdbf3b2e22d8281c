from synnefo.astakos.catalog.commands.endpoint_list import Command as Command
