"""``volume-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.faults import Fault
from synnefo.cyclades.commanding import wait_for, wait_option
from synnefo.cyclades.servers import volumes as of_servers
from synnefo.cyclades.volumes import rules
from synnefo.cyclades.volumes.commands.common import volume_of, volume_option
from synnefo.cyclades.volumes.models import Volume


class Command(Base):
    help = "Delete volumes with their data; those of servers are taken out first. Their quota is free again."

    def add_arguments(self, parser: CommandParser) -> None:
        volume_option(parser, several=True)
        parser.add_argument("-f", "--force", action="store_true", help="do not ask")
        wait_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        volumes = [volume_of(text) for text in options["volume_ids"]]
        if not options["force"]:
            self.confirm(f"Delete {', '.join(f'{one.pk} ({one.name})' for one in volumes)}?")
        for volume in volumes:
            try:
                if volume.server is None:
                    rules.delete(self.caller, volume.uuid)
                else:
                    of_servers.delete(self.caller, volume.server.uuid, volume.uuid)
            except Fault as fault:
                self.say(f"{volume.pk}: {fault.message}")
                continue
            if options["wait"]:
                wait_for(Volume.TARGET, volume.pk)
