from synnefo.astakos.catalog.commands.service_list import Command as Command
