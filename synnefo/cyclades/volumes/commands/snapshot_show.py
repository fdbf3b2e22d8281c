"""``snapshot-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand
from synnefo.cyclades.volumes import snapshots
from synnefo.cyclades.volumes.commands.common import snapshot_of


class Command(ShowCommand):
    help = "Show a snapshot."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("snapshot_id", help="uuid")

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        found = snapshot_of(options["snapshot_id"])
        return {
            "id": found.uuid,
            "name": found.name,
            "description": found.about,
            "user": found.userid,
            "project": found.project,
            "volume": found.volume_id,
            "size": snapshots.size_gib(found),
            "status": found.status,
            "error": found.fault,
            "public": found.is_public,
            "location": found.location,
            "hash": found.hash,
            "properties": [f"{key}={value}" for key, value in sorted(found.properties.items())],
            "created": found.created,
            "updated": found.updated,
        }
