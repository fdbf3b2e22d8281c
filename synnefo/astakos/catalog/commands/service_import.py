"""``service-import``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.catalog import exchange
from synnefo.astakos.catalog.commands.files import text_of_file
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Register services and resources as service-export prints them, all or none; updates known ones."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", required=True, metavar="FILE", help="-: from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        for warning in exchange.import_services(self.caller, text_of_file(options["json"])):
            self.say(warning)
