"""``snapshot-create``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.commanding import wait_for, wait_option
from synnefo.cyclades.volumes import snapshots
from synnefo.cyclades.volumes.commands.common import owner_of, volume_of, volume_option
from synnefo.cyclades.volumes.models import Volume


class Command(Base):
    help = "Keep what a volume holds now, as a file of its owner's, who is charged for it."

    def add_arguments(self, parser: CommandParser) -> None:
        volume_option(parser)
        parser.add_argument("--name", default="", help="name")
        parser.add_argument("--description", default="", help="description")
        wait_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        volume = volume_of(options["volume_id"])
        made = snapshots.create(
            owner_of(volume), volume.uuid, name=options["name"], description=options["description"]
        )
        self.stdout.write(f"{made.uuid} {made.name}")
        if options["wait"]:
            wait_for(Volume.TARGET, volume.pk)
