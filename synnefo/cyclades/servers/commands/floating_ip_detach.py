"""``floating-ip-detach``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.cyclades.commanding import wait_for, wait_option
from synnefo.cyclades.networks import floating as ips
from synnefo.cyclades.servers import floating
from synnefo.cyclades.servers.models import Server


class Command(Base):
    help = "Take a floating IP from its server; it stays its owner's."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("floating_ip_id", type=positive)
        wait_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        ip = ips.find(self.caller, options["floating_ip_id"])
        port = ip.port or ip.nat_port
        if port is None or port.server is None:
            raise CommandError(f"floating IP {ip.address} is on no server")
        floating.remove(self.caller, port.server, ip.address)
        if options["wait"]:
            wait_for(Server.TARGET, port.server.pk)
