"""``component-add``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.catalog import rules
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Make a part of the cloud known, and print the service token by which it speaks to Astakos."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--base-url", default="", metavar="URL", help="where its APIs are")
        parser.add_argument("--ui-url", default="", metavar="URL", help="where its pages are")

    def handle(self, *args: Any, **options: Any) -> None:
        urls = {name: options[name] for name in ("base_url", "ui_url")}
        _, token = rules.add_component(self.caller, options["name"], **urls)
        self.stdout.write(f"Token: {token}")
