"""``pool-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count, QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.networks.models import Pool


class Command(ListCommand):
    help = "List the pools of bridges and of MAC prefixes."
    columns = {
        "id": (attribute("pk"), "number"),
        "type": (attribute("kind"), "bridge or mac-prefix"),
        "base": (attribute("base"), "what its values begin with"),
        "offset": (attribute("offset"), "the number of the first one"),
        "size": (attribute("size"), "how many there are"),
        "used": (attribute("used"), "how many networks have one"),
        "reserved": (
            lambda pool: sum(high - low + 1 for low, high in pool.reserved),
            "how many are kept out",
        ),
    }
    shown = ("id", "type", "base", "offset", "size", "used", "reserved")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--type", choices=Pool.Kind.values, help="only of this type")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Pool]:
        rows = Pool.objects.filter(kind=options["type"]) if options["type"] else Pool.objects.all()
        return rows.annotate(used=Count("uses")).order_by("pk")
