from synnefo.astakos.quotas.commands.commission_list import Command as Command
