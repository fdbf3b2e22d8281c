"""``backend-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option
from synnefo.cyclades.backends import rules


class Command(Base):
    help = "Drain an engine (it takes no new servers) or take it offline (it is not talked to)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        flag_option(parser, "--drained", "whether it takes no new servers")
        flag_option(parser, "--offline", "whether it is not talked to")

    def handle(self, *args: Any, **options: Any) -> None:
        rules.modify(self.caller, options["name"], drained=options["drained"], offline=options["offline"])
