"""``volume-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand
from synnefo.cyclades.volumes.commands.common import volume_of, volume_option
from synnefo.cyclades.volumes.models import Volume


class Command(ShowCommand):
    help = "Show a volume."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        volume_option(parser)

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        return facts_of(volume_of(options["volume_id"]))


def facts_of(volume: Volume) -> dict[str, object]:
    """All that its row says."""
    return {
        "id": volume.pk,
        "uuid": volume.uuid,
        "name": volume.name,
        "description": volume.description,
        "user": volume.userid,
        "project": volume.project,
        "shared": volume.shared_to_project,
        "size": volume.size_gib,
        "status": volume.status,
        "error": volume.fault,
        "volume_type": volume.volume_type_id,
        "template": volume.volume_type.disk_template,
        "server": volume.server_id,
        "index": volume.index,
        "delete_on_termination": volume.delete_on_termination,
        "source": volume.source,
        "source_id": volume.source_uuid,
        "bootable": volume.bootable,
        "metadata": [f"{row.key}={row.value}" for row in volume.metadata.all()],
        "deleted": volume.deleted,
        "created": volume.created,
        "updated": volume.updated,
    }
