"""``group-add``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.accounts import rules
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Make a group of users; groups are roles in the APIs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        group = rules.create_group(self.caller, options["name"])
        self.stdout.write(f"{group.pk} {group.name}")
