from synnefo.astakos.quotas.commands.commission_show import Command as Command
