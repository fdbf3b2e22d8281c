"""``flavor-access-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.flavors.models import FlavorAccess


class Command(ListCommand):
    help = "List which projects may use which flavors that are not public."
    columns = {
        "id": (attribute("pk"), "number, as flavor-access-remove takes it"),
        "project": (attribute("project"), "uuid of the project"),
        "flavor": (attribute("flavor_id"), "number of the flavor"),
        "flavor_name": (attribute("flavor.name"), "its name"),
    }
    shown = ("id", "project", "flavor", "flavor_name")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-p", "--project", help="only what this project may use")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[FlavorAccess]:
        rows = FlavorAccess.objects.select_related("flavor__volume_type").order_by("pk")
        return rows.filter(project=options["project"]) if options["project"] else rows
