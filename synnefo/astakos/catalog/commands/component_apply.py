"""``component-apply``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.catalog import exchange
from synnefo.astakos.catalog.commands.files import text_of_file
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Make components and their services what a file says, or nothing of it; prints new tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            help='JSON: {"NAME": {"base_url": "", "ui_url": "", "services": {...}}}; -: standard input',
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tokens, warnings = exchange.apply(self.caller, text_of_file(options["file"]))
        for warning in warnings:
            self.say(warning)
        for name, token in tokens.items():
            self.stdout.write(f"{name}: {token}")
