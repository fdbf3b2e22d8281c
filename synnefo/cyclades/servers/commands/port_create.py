"""``port-create``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.commanding import acting_as, number_of, wait_for, wait_option
from synnefo.cyclades.networks import floating, groups, ports
from synnefo.cyclades.networks.addresses import FixedIp
from synnefo.cyclades.networks.commands.options import network_of, words_of
from synnefo.cyclades.servers import cards
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server


class Command(Base):
    help = "Make a port for a user, and put it into a server if one is named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--user", metavar="UUID|EMAIL", help="whose it becomes (default: the server's owner)"
        )
        parser.add_argument("--network", required=True, metavar="ID")
        parser.add_argument("--server", metavar="ID", help="that gets it")
        parser.add_argument(
            "--floating-ip", metavar="ID", help="on a public network: the address that it has"
        )
        parser.add_argument("--ipv4-address", help="on a private one: the address that it has (default: any)")
        parser.add_argument("--security-groups", default="", metavar="UUID,...")
        wait_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        server = servers.find(self.caller, number_of(options["server"])) if options["server"] else None
        user = options["user"] or (server.userid if server else None)
        if not user:
            raise CommandError("either --user or --server says whose it becomes")
        caller, network = acting_as(user), network_of(options["network"])
        address = options["ipv4_address"]
        if options["floating_ip"]:
            address = floating.find(caller, number_of(options["floating_ip"])).address
        if network.public and address is None:
            raise CommandError("a port on a public network needs a --floating-ip")
        if server is not None:
            port = cards.plug(caller, server, network, address=address, name=options["name"])
        elif network.public:
            port = floating.create_port(caller, network, address, name=options["name"])
        else:
            wishes = [FixedIp(address)] if address else None
            port = ports.create(caller, network.uuid, name=options["name"], fixed_ips=wishes)
        if options["security_groups"]:
            members = [groups.get(caller, uuid) for uuid in words_of(options["security_groups"])]
            ports.set_groups(caller, port.uuid, members)
        self.stdout.write(f"{port.pk} {port.uuid}")
        if server is not None and options["wait"]:
            wait_for(Server.TARGET, server.pk)
