"""``volume-attach``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.commanding import number_of, wait_for, wait_option
from synnefo.cyclades.servers import volumes as of_servers
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.volumes.commands.common import volume_of, volume_option
from synnefo.cyclades.volumes.models import Volume


class Command(Base):
    help = "Give a server, on or off, a volume that no server has."

    def add_arguments(self, parser: CommandParser) -> None:
        volume_option(parser)
        parser.add_argument("--server", required=True, help="number, or name on the engine (snf-42)")
        wait_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        volume, server = volume_of(options["volume_id"]), server_of(options["server"])
        of_servers.attach(self.caller, server.uuid, volume.uuid)
        if options["wait"]:
            wait_for(Volume.TARGET, volume.pk)


def server_of(text: str) -> Server:
    """By its number or its name on the engine. Raises CommandError."""
    found = Server.objects.filter(pk=number_of(text), deleted=False).first()
    if found is None:
        raise CommandError(f"there is no server {text}")
    return found
