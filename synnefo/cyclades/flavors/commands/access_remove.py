"""``flavor-access-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.common.transactions import atomic
from synnefo.cyclades.flavors import rules
from synnefo.cyclades.flavors.models import FlavorAccess


class Command(Base):
    help = "Take grants back: one by its number, or all of a project, of a flavor, or of one for the other."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("access_id", nargs="?", type=positive, help="number, see flavor-access-list")
        parser.add_argument("--project", help="uuid of the project")
        parser.add_argument("--flavor", type=positive, help="number of the flavor")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = self._chosen(options)
        with atomic():
            for access in rows.select_related("flavor"):
                rules.revoke(self.caller, access.flavor, access.project)
                self.stdout.write(f"{access.flavor_id} {access.project}")

    def _chosen(self, options: dict[str, Any]) -> QuerySet[FlavorAccess]:
        named = {"pk": options["access_id"], "project": options["project"], "flavor": options["flavor"]}
        wanted = {key: value for key, value in named.items() if value is not None}
        if not wanted or ("pk" in wanted and len(wanted) > 1):
            raise CommandError("name a grant by its number, or a project, a flavor or both")
        rows = FlavorAccess.objects.filter(**wanted)
        if not rows:
            raise CommandError("there is no such grant")
        return rows
