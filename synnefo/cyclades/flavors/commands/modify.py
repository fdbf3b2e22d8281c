"""``flavor-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option, positive
from synnefo.cyclades.flavors import rules


class Command(Base):
    help = "Change who sees a flavor and whether servers are made with it, or retire it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("flavor_id", type=positive)
        flag_option(parser, "--public", "whether everybody sees it")
        flag_option(parser, "--allow-create", "whether servers are made with it")
        flag_option(parser, "--deleted", "whether it is retired")

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("public", "allow_create", "deleted")
        rules.modify(self.caller, options["flavor_id"], **{name: options[name] for name in names})
