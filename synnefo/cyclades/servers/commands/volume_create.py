"""``volume-create``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.cyclades.commanding import acting_as, wait_for, wait_option
from synnefo.cyclades.servers import volumes as of_servers
from synnefo.cyclades.servers.commands.volume_attach import server_of
from synnefo.cyclades.volumes import rules
from synnefo.cyclades.volumes.commands.common import type_of
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.requests import VolumeRequest

_KINDS = {"image": Volume.Source.IMAGE, "snapshot": Volume.Source.SNAPSHOT, "volume": Volume.Source.VOLUME}


class Command(Base):
    help = "Make a volume for a user, charged as if he had asked for it; for one of his servers, or for none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="", help="name")
        parser.add_argument("--description", default="", help="description")
        parser.add_argument("--user", metavar="UUID|EMAIL", help="whose it becomes (default: the server's)")
        parser.add_argument("--project-id", metavar="UUID", help="that pays (default: the user's)")
        parser.add_argument("-s", "--size", type=positive, required=True, help="GiB")
        parser.add_argument(
            "--source", metavar="KIND:ID", help="what it is made of: image:ID, snapshot:ID or volume:ID"
        )
        parser.add_argument("--server", help="that gets it (number, or name on the engine)")
        parser.add_argument("--volume-type", help="number of its type (default: the server's flavor's)")
        wait_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        server = server_of(options["server"]) if options["server"] else None
        user = options["user"] or (server.userid if server is not None else None)
        if user is None:
            raise CommandError("give --user, or --server")
        project = options["project_id"] or (server.project if server is not None else None)
        caller = acting_as(user, project)
        kind = type_of(options["volume_type"]) if options["volume_type"] else None
        if kind is None and server is not None:
            kind = server.flavor.volume_type
        source, uuid = _source(options["source"])
        request = VolumeRequest(
            options["size"], options["name"], options["description"], kind, source, uuid
        )  # fmt: skip
        made = (
            rules.create(caller, request)
            if server is None
            else of_servers.create(caller, server.uuid, request)
        )
        self.stdout.write(f"{made.pk} {made.name}")
        if options["wait"]:
            wait_for(Volume.TARGET, made.pk)


def _source(text: str | None) -> tuple[Volume.Source, str]:
    if not text:
        return Volume.Source.BLANK, ""
    kind, colon, uuid = text.partition(":")
    if not colon or kind not in _KINDS:
        raise CommandError(f"{text!r}: write image:ID, snapshot:ID or volume:ID")
    return _KINDS[kind], uuid
