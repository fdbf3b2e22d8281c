"""``pool-create``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.cyclades.networks import pools
from synnefo.cyclades.networks.models import Pool


class Command(Base):
    help = "Make the pool of bridges or of MAC prefixes, which networks of some kinds have one each of."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--type", required=True, choices=Pool.Kind.values)
        parser.add_argument("--size", required=True, type=positive, help="how many there are")
        parser.add_argument(
            "--base", default="", help=f"what they begin with (MAC prefixes: {pools.DEFAULT_MAC_BASE})"
        )
        parser.add_argument("--offset", type=int, default=0, help="the number of the first one")

    def handle(self, *args: Any, **options: Any) -> None:
        kind = Pool.Kind(options["type"])
        base = options["base"] or ("" if kind is Pool.Kind.MAC_PREFIX else "prv")
        pool = pools.create(self.caller, kind, base=base, size=options["size"], offset=options["offset"])
        self.stdout.write(f"{pool.pk} {pools.value_of(pool, 0)} - {pools.value_of(pool, pool.size - 1)}")
