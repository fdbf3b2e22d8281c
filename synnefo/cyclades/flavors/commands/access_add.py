"""``flavor-access-add``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.cyclades.flavors import rules


class Command(Base):
    help = "Let the members of a project use a flavor that is not public."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, help="uuid of the project")
        parser.add_argument("--flavor", required=True, type=positive, help="number of the flavor")

    def handle(self, *args: Any, **options: Any) -> None:
        flavor = rules.find(self.caller, options["flavor"])
        access = rules.grant(self.caller, flavor, options["project"])
        self.stdout.write(f"{access.pk} {flavor.name} {access.project}")
