"""``floating-ip-create``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.commanding import acting_as
from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks.commands.options import network_of


class Command(Base):
    help = "Take a floating IP for a user, charged as if he had asked for it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--network", metavar="ID", help="the public network (default: the first with room)"
        )
        parser.add_argument("--address", help="this one (default: any)")
        parser.add_argument("--user", required=True, metavar="UUID|EMAIL", help="whose it becomes")
        parser.add_argument("--project", metavar="UUID", help="that pays (default: the user's)")

    def handle(self, *args: Any, **options: Any) -> None:
        network = network_of(options["network"]).uuid if options["network"] else None
        caller = acting_as(options["user"], options["project"])
        ip = floating.create(caller, network, address=options["address"])
        self.stdout.write(f"{ip.pk} {ip.address}")
