"""``project-backend-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.backends.models import ProjectBackend


class Command(ListCommand):
    help = "List the projects that have engines of their own."
    columns = {
        "id": (attribute("pk"), "number"),
        "project": (attribute("project"), "uuid of the project"),
        "backend": (attribute("backend.name"), "engine"),
        "backend_id": (attribute("backend_id"), "its number"),
    }
    shown = ("id", "project", "backend", "backend_id")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-p", "--project", metavar="UUID", help="only those of a project")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[ProjectBackend]:
        rows = ProjectBackend.objects.select_related("backend").order_by("pk")
        return rows.filter(project=options["project"]) if options["project"] else rows
