from synnefo.cyclades.networks.commands.fix_ip_history import Command as Command
