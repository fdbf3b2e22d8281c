"""``project-backend-add``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.backends import rules


class Command(Base):
    help = (
        "Give a project an engine of its own: its new servers go to those that it has, and to no others. A"
        " project with none uses the public ones."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="UUID")
        parser.add_argument("--backend", required=True, metavar="ID|NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        made = rules.grant(self.caller, options["project"], options["backend"])
        self.stdout.write(f"{made.pk} {made.project} {made.backend.name}")
