"""``server-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.faults import Fault
from synnefo.cyclades.commanding import number_of, wait_for, wait_option
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server


class Command(Base):
    help = "Delete servers with the disks that go with them, also suspended ones; their quota is free again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "server_ids", nargs="+", metavar="server_id", help="number, or name on the engine (snf-42)"
        )
        parser.add_argument("-f", "--force", action="store_true", help="do not ask")
        wait_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        servers = [rules.find(self.caller, number_of(text)) for text in options["server_ids"]]
        if not options["force"]:
            self.confirm(f"Delete {', '.join(f'{one.pk} ({one.name})' for one in servers)}?")
        asked = [server for server in servers if self._ask(server)]
        for server in asked:
            if options["wait"]:
                wait_for(Server.TARGET, server.pk)

    def _ask(self, server: Server) -> bool:
        """One that cannot be deleted does not keep the others."""
        try:
            rules.delete(self.caller, server.uuid)
        except Fault as fault:
            self.say(f"{server.pk}: {fault.message}")
            return False
        return True
