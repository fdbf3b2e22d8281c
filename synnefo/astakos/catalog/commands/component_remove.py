"""``component-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.catalog import rules
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Remove a part of the cloud with its services; what is charged for its resources stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("component", help="name or number")

    def handle(self, *args: Any, **options: Any) -> None:
        rules.remove_component(self.caller, rules.find_component(options["component"]))
