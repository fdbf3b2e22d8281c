"""``container-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.pithos.namespace.models import Container


class Command(ListCommand):
    help = "List containers, of all accounts or of one."
    columns = {
        "account": (attribute("account.name"), "uuid of the user or project whose it is"),
        "name": (attribute("name"), "name"),
        "project": (attribute("project"), "uuid of the project that pays"),
        "versioning": (attribute("versioning"), "auto: old versions are kept; none: they are not"),
        "quota": (attribute("quota_bytes"), "most that it may hold, in bytes; 0: as much as the account"),
        "objects": (attribute("object_count"), "how many objects there are now"),
        "bytes": (attribute("size_bytes"), "how large these are"),
        "created": (attribute("created"), "when it was made"),
        "modified": (attribute("modified"), "when something in it changed"),
    }
    shown = ("account", "name", "project", "versioning", "quota", "objects", "bytes")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--account", metavar="UUID", help="only those of this account")
        parser.add_argument("--project", metavar="UUID", help="only those that this project pays for")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Container]:
        rows = Container.objects.select_related("account").order_by("account__name", "name")
        if options["account"]:
            rows = rows.filter(account__name=options["account"])
        if options["project"]:
            rows = rows.filter(project=options["project"])
        return rows
