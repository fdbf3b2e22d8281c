"""``snapshot-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.commanding import user_uuid
from synnefo.cyclades.volumes import snapshots
from synnefo.cyclades.volumes.commands.common import owner_of, snapshot_of


class Command(Base):
    help = "Change a snapshot's name or description."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("snapshot_id", help="uuid")
        parser.add_argument("--user", metavar="UUID|EMAIL", help="whose it must be")
        parser.add_argument("--name", help="its new name")
        parser.add_argument("--description", help="its new description")

    def handle(self, *args: Any, **options: Any) -> None:
        found = snapshot_of(options["snapshot_id"])
        if options["user"] and user_uuid(options["user"]) != found.userid:
            raise CommandError(f"snapshot {found.uuid} is not that user's")
        if options["name"] is None and options["description"] is None:
            raise CommandError("nothing to change: see --help")
        words = {"name": options["name"], "description": options["description"]}
        snapshots.modify(owner_of(found), found.uuid, **words)
