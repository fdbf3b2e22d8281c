"""``pool-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.cyclades.networks import pools
from synnefo.cyclades.networks.commands.options import words_of
from synnefo.cyclades.networks.models import Pool


class Command(Base):
    help = "Make a pool larger or smaller, or keep values out of it. What is in use stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("pool_id", type=positive)
        parser.add_argument("--type", choices=Pool.Kind.values, help="what it must be")
        parser.add_argument("--offset", type=int)
        parser.add_argument("--size", type=positive)
        parser.add_argument("--base")
        parser.add_argument("--add-reserved", default="", metavar="VALUE|FIRST-LAST,...")
        parser.add_argument("--remove-reserved", default="", metavar="VALUE|FIRST-LAST,...")

    def handle(self, *args: Any, **options: Any) -> None:
        pool = pools.get(options["pool_id"], Pool.Kind(options["type"]) if options["type"] else None)
        pools.modify(
            self.caller,
            pool.pk,
            base=options["base"],
            offset=options["offset"],
            size=options["size"],
            reserve=words_of(options["add_reserved"]),
            release=words_of(options["remove_reserved"]),
        )
