from synnefo.astakos.catalog.commands.service_show import Command as Command
