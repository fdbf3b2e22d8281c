"""``subnet-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.networks import rules
from synnefo.cyclades.networks.commands.options import subnet_of


class Command(Base):
    help = "Rename a subnet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subnet_id")
        parser.add_argument("--name", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        rules.update_subnet(self.caller, subnet_of(options["subnet_id"]).uuid, name=options["name"])
