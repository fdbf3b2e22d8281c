"""``reconcile-pools``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.networks import pools


class Command(Base):
    help = "Compare pools of bridges and MAC prefixes with what networks have, and mend it with --fix."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fix", action="store_true", help="write down what networks have")

    def handle(self, *args: Any, **options: Any) -> None:
        for finding in pools.reconcile(fix=options["fix"]):
            self.stdout.write(finding)
