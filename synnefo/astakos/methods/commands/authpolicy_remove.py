"""``authpolicy-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.methods import profiles
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Remove a profile of what users may do with a way to sign in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        profiles.remove(self.caller, options["name"])
        self.say(f"policy profile {options['name']} is removed")
