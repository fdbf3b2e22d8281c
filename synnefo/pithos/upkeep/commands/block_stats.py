"""``block-stats``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Q, Sum

from synnefo.common.commands import ShowCommand
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.namespace.models import HashMap, Version
from synnefo.pithos.upkeep import collection


class Command(ShowCommand):
    help = "Show how much content there is, in blocks and in the database."

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        store = blocks()
        small = Version.objects.exclude(data=None).aggregate(count=Count("pk"), size=Sum("size_bytes"))
        now = Version.objects.filter(Q(state=Version.State.CURRENT))
        return {
            "store": f"{type(store).__module__}.{type(store).__name__}",
            "blocks": sum(1 for part in range(collection.PARTS) for _ in store.stored(part)),
            "blocks_aside": sum(1 for part in range(collection.PARTS) for _ in store.aside(part)),
            "maps": HashMap.objects.count(),
            "objects": now.count(),
            "object_bytes": now.aggregate(size=Sum("size_bytes"))["size"] or 0,
            "versions_in_rows": small["count"],
            "bytes_in_rows": small["size"] or 0,
        }
