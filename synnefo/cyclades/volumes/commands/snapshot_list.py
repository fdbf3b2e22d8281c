"""``snapshot-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.commanding import user_uuid
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.volumes.snapshots import size_gib


class Command(ListCommand):
    help = "List snapshots."
    columns = {
        "id": (attribute("uuid"), "id, that of its object, too"),
        "name": (attribute("name"), "name"),
        "user": (attribute("userid"), "uuid of the owner"),
        "project": (attribute("project"), "uuid of the project that it was made in"),
        "volume": (attribute("volume_id"), "number of the volume"),
        "size": (size_gib, "GiB of the volume then"),
        "status": (attribute("status"), "state"),
        "public": (attribute("is_public"), "whether everybody sees it"),
        "location": (attribute("location"), "where its object was seen last"),
        "error": (attribute("fault"), "why it could not be made"),
        "created": (attribute("created"), "when it was asked for"),
    }
    shown = ("id", "name", "user", "volume", "size", "status", "created")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-u", "--user", metavar="UUID|EMAIL", help="only those of a user")
        parser.add_argument("--public", action="store_true", help="only those that everybody sees")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Image]:
        rows = Image.objects.filter(is_snapshot=True, deleted=False)
        if options["user"]:
            rows = rows.filter(userid=user_uuid(options["user"]))
        if options["public"]:
            rows = rows.filter(is_public=True)
        return rows.order_by("pk")
