"""``backend-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.backends import rules


class Command(Base):
    help = (
        "Forget an engine without servers. Networks stay on a cluster; those of this machine must go first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("backend", metavar="ID|NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        rules.remove(self.caller, options["backend"])
