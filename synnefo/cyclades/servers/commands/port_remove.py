"""``port-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.faults import Fault
from synnefo.cyclades.commanding import number_of, wait_for, wait_option
from synnefo.cyclades.networks import ports
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.servers import cards
from synnefo.cyclades.servers.models import Server


class Command(Base):
    help = "Remove ports; those of servers are taken out of them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("port_ids", nargs="+", metavar="port_id", help="number, or name on the engine")
        parser.add_argument("-f", "--force", action="store_true", help="do not ask")
        wait_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        found = [ports.find(self.caller, number_of(text, "nic-")) for text in options["port_ids"]]
        if not options["force"]:
            self.confirm(f"Remove the ports {', '.join(str(port.pk) for port in found)}?")
        for port in found:
            if self._ask(port) and port.server_id is not None and options["wait"]:
                wait_for(Server.TARGET, port.server_id)

    def _ask(self, port: Port) -> bool:
        """One that cannot be removed does not keep the others."""
        try:
            cards.unplug(self.caller, port)
        except Fault as fault:
            self.say(f"{port.pk}: {fault.message}")
            return False
        return True
