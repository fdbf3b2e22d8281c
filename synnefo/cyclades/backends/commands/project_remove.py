"""``project-backend-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.cyclades.backends import rules


class Command(Base):
    help = (
        "Take engines away from projects: one by its number in project-backend-list, all of a project, or a"
        " whole engine. Servers stay where they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", nargs="?", type=positive, metavar="ID")
        parser.add_argument("--project", metavar="UUID")
        parser.add_argument("--backend", metavar="ID|NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        gone = rules.revoke(
            self.caller, number=options["number"], project=options["project"], backend=options["backend"]
        )
        self.say(f"taken away: {gone}")
