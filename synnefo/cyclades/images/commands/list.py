"""``image-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.commanding import acting_as
from synnefo.cyclades.images import rules
from synnefo.cyclades.images.models import Image


class Command(ListCommand):
    help = "List images."
    columns = {
        "id": (attribute("uuid"), "uuid"),
        "name": (attribute("name"), "name"),
        "user": (attribute("userid"), "uuid of the owner"),
        "project": (attribute("project"), "uuid of the project"),
        "public": (attribute("is_public"), "whether everybody sees it"),
        "format": (attribute("disk_format"), "raw or qcow2"),
        "size": (attribute("size_bytes"), "bytes kept"),
        "virtual_size": (attribute("virtual_size_bytes"), "bytes of the disk in it"),
        "status": (attribute("status"), "status"),
        "properties": (lambda row: [f"{key}={value}" for key, value in row.properties.items()], "properties"),
        "hash": (attribute("hash"), "its content's hash in the object store"),
        "sha256": (attribute("sha256"), "digest of its content, where it is known"),
        "location": (attribute("location"), "the file that it was made of"),
        "created": (attribute("created"), "when it was made"),
    }
    shown = ("id", "name", "public", "format", "size", "status", "created")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-d", "--deleted", action="store_true", help="list the removed ones instead")
        parser.add_argument("--user", metavar="USER", help="what this user (uuid or e-mail) sees")
        parser.add_argument("--public", action="store_true", help="only what everybody sees")
        parser.add_argument("--snapshots", action="store_true", help="snapshots of volumes instead of images")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Image]:
        deleted, user = options["deleted"], options["user"]
        rows = Image.objects.filter(deleted=deleted)
        if user:
            rows = rules.images_for(acting_as(user), deleted=deleted)
        if options["public"]:
            rows = rows.filter(is_public=True)
        return rows.filter(is_snapshot=options["snapshots"]).order_by("pk")
