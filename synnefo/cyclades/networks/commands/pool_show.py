"""``pool-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand, Table, positive
from synnefo.cyclades.networks import pools
from synnefo.cyclades.networks.models import Pool

_WIDTH = 64


class Command(ShowCommand):
    help = "Show a pool and draw it: X is in use, R kept out, . free."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("pool_id", type=positive)
        parser.add_argument("--type", choices=Pool.Kind.values, help="what it must be")

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        kind = Pool.Kind(options["type"]) if options["type"] else None
        pool = pools.get(options["pool_id"], kind)
        return {
            "id": pool.pk,
            "type": pool.kind,
            "base": pool.base,
            "offset": pool.offset,
            "size": pool.size,
            "first": pools.value_of(pool, 0),
            "last": pools.value_of(pool, pool.size - 1),
            "used": pool.uses.count(),
            "map": _drawn(pool),
        }


def _drawn(pool: Pool) -> Table:
    marks = ["."] * pool.size
    for low, high in pool.reserved:
        marks[low : high + 1] = "R" * (high - low + 1)
    for number in pool.uses.values_list("number", flat=True):
        marks[number] = "X"
    places = range(0, pool.size, _WIDTH)
    return Table(
        ("from", "map"), [(pools.value_of(pool, at), "".join(marks[at : at + _WIDTH])) for at in places]
    )
