"""``oauth2-client-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.oauth import rules
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Forget a program that signs people in, with its codes and tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client", help="identifier or number")

    def handle(self, *args: Any, **options: Any) -> None:
        rules.remove_client(self.caller, rules.find_client(options["client"]))
