"""``snapshot-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.faults import Fault
from synnefo.cyclades.commanding import user_uuid
from synnefo.cyclades.volumes import snapshots
from synnefo.cyclades.volumes.commands.common import owner_of, snapshot_of


class Command(Base):
    help = "Delete snapshots with their files; what was made of them stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("snapshot_ids", nargs="+", metavar="snapshot_id", help="uuid")
        parser.add_argument("-f", "--force", action="store_true", help="do not ask")
        parser.add_argument("--user", metavar="UUID|EMAIL", help="whose they must be")

    def handle(self, *args: Any, **options: Any) -> None:
        found = [snapshot_of(text) for text in options["snapshot_ids"]]
        if not options["force"]:
            self.confirm(f"Delete {', '.join(f'{one.uuid} ({one.name})' for one in found)}?")
        user = user_uuid(options["user"]) if options["user"] else None
        for snapshot in found:
            if user is not None and snapshot.userid != user:
                self.say(f"{snapshot.uuid}: it is not that user's")
                continue
            try:
                snapshots.delete(owner_of(snapshot), snapshot.uuid)
            except Fault as fault:
                self.say(f"{snapshot.uuid}: {fault.message}")
