"""``network-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.faults import Fault
from synnefo.cyclades.networks import rules
from synnefo.cyclades.networks.commands.options import network_of


class Command(Base):
    help = "Delete networks that nothing is connected to."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "network_ids", nargs="+", metavar="network_id", help="number, or name on the engine (snf-net-5)"
        )
        parser.add_argument("-f", "--force", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        networks = [network_of(text) for text in options["network_ids"]]
        if not options["force"]:
            self.confirm(f"Delete {', '.join(f'{one.pk} ({one.name})' for one in networks)}?")
        for network in networks:
            try:
                rules.delete(self.caller, network.uuid)
            except Fault as fault:
                self.say(f"{network.pk}: {fault.message}")
