"""``pool-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.cyclades.networks import pools
from synnefo.cyclades.networks.models import Pool


class Command(Base):
    help = "Remove pools of which nothing is in use."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("pool_ids", nargs="+", type=positive, metavar="pool_id")
        parser.add_argument("--type", choices=Pool.Kind.values, help="what they must be")
        parser.add_argument("-f", "--force", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        kind = Pool.Kind(options["type"]) if options["type"] else None
        found = [pools.get(number, kind) for number in options["pool_ids"]]
        if not options["force"]:
            self.confirm(f"Remove {', '.join(str(pool) for pool in found)}?")
        for pool in found:
            pools.remove(self.caller, pool.pk)
