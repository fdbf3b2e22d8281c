"""``backend-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.backends import rules


class Command(Base):
    help = "Forget an engine that has no servers and no networks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        rules.remove(self.caller, options["name"])
