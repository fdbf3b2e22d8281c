"""``account-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce

from synnefo.common.commands import ListCommand, attribute
from synnefo.pithos.namespace import operating
from synnefo.pithos.namespace.models import Account


class Command(ListCommand):
    help = "List the accounts of the object store. One comes into being when it is first looked at."
    columns = {
        "name": (attribute("name"), "uuid of the user or project whose it is"),
        "of_project": (attribute("of_project"), "whether it is a project's"),
        "containers": (attribute("container_count"), "how many containers it has"),
        "objects": (attribute("object_count"), "how many objects there are now"),
        "bytes": (attribute("size_bytes"), "how large these are"),
        "created": (attribute("created"), "when it was first looked at"),
        "modified": (attribute("modified"), "when its metadata or groups changed"),
    }
    shown = ("name", "of_project", "containers", "objects", "bytes", "created")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--duplicate", action="store_true", help="only names that differ in case alone")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Account]:
        rows = operating.duplicates() if options["duplicate"] else Account.objects.order_by("name")
        return rows.annotate(
            container_count=Count("containers"),
            object_count=Coalesce(Sum("containers__object_count"), 0),
            size_bytes=Coalesce(Sum("containers__size_bytes"), 0),
        )
