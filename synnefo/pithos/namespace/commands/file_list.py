"""``file-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.pithos.namespace import containers, operating
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.names import behind


class Command(ListCommand):
    help = "List the objects of a container."
    columns = {
        "name": (attribute("object.name"), "name"),
        "uuid": (attribute("uuid"), "uuid, which it keeps when it is moved or overwritten"),
        "version": (attribute("pk"), "number of the version"),
        "bytes": (attribute("size_bytes"), "length"),
        "type": (attribute("content_type"), "content type"),
        "hash": (attribute("hash"), "root hash of its blocks"),
        "checksum": (attribute("checksum"), "MD5, if it is known"),
        "available": (attribute("available"), "1, or 0 for a snapshot in the making, -1 for what is broken"),
        "snapshot": (attribute("is_snapshot"), "whether it is a volume's snapshot"),
        "modified": (attribute("modified"), "when this version was made"),
        "modified_by": (attribute("modified_by"), "by whom"),
    }
    shown = ("name", "uuid", "version", "bytes", "type", "modified")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("account", nargs="?", default="", help="uuid of the user or project whose it is")
        parser.add_argument("container", nargs="?", default="", help="its container")
        parser.add_argument("--prefix", default="", help="only names that begin so")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Version]:
        rows = Version.objects.filter(state=Version.State.CURRENT).select_related("object")
        if options["list_filters"]:
            return rows
        account = operating.find(options["account"])
        owner = operating.as_owner(self.caller, account)
        rows = rows.filter(object__container=containers.get(owner, account.name, options["container"]))
        if prefix := options["prefix"]:
            rows = rows.filter(object__name__gte=prefix, object__name__lt=behind(prefix))
        return rows.order_by("object__name")
