"""``image-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import ShowCommand
from synnefo.common.ids import parse_uuid
from synnefo.cyclades.images.models import Image


class Command(ShowCommand):
    help = "Show an image or a snapshot, with its properties and with whom it is shared."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("image_id", help="its uuid")

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        image = self._image(options["image_id"])
        return {
            "id": image.uuid,
            "name": image.name,
            "user": image.userid,
            "project": image.project,
            "status": image.status,
            "fault": image.fault,
            "public": image.is_public,
            "visibility": "public" if image.is_public else image.visibility,
            "members": [f"{row.member} ({row.status})" for row in image.members.order_by("member")],
            "protected": image.protected,
            "hidden": image.hidden,
            "deleted": image.deleted,
            "snapshot": image.is_snapshot,
            "volume": image.volume_id,
            "server": image.server_uuid,
            "format": image.disk_format,
            "size": image.size_bytes,
            "virtual size": image.virtual_size_bytes,
            "min ram": image.min_ram_mib,
            "min disk": image.min_disk_gib,
            "location": image.location,
            "hash": image.hash,
            "md5": image.checksum,
            "sha256": image.sha256,
            "sha512": image.sha512,
            "tags": list(image.tags),
            "properties": [f"{key}={value}" for key, value in sorted(image.properties.items())],
            "description": image.about,
            "created": image.created,
            "updated": image.updated,
        }

    def _image(self, text: str) -> Image:
        found = Image.objects.filter(uuid=parse_uuid(text) or text).first()
        if found is None:
            raise CommandError(f"there is no image {text}")
        return found
