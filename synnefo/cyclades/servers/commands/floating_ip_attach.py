"""``floating-ip-attach``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.cyclades.commanding import acting_as, number_of, wait_for, wait_option
from synnefo.cyclades.networks import floating as ips
from synnefo.cyclades.servers import floating, rules
from synnefo.cyclades.servers.models import Server


class Command(Base):
    help = "Give a server a card with a floating IP, in the name of the server's owner."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("floating_ip_id", type=positive)
        parser.add_argument("--machine", required=True, metavar="ID", help="the server")
        wait_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        server = rules.find(self.caller, number_of(options["machine"]))
        ip = ips.find(self.caller, options["floating_ip_id"])
        floating.add(acting_as(server.userid), server, ip.address)
        if options["wait"]:
            wait_for(Server.TARGET, server.pk)
