"""The lowest number that is free, looked up in the database however many are in use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet


def lowest_free(used: QuerySet[Any], runs: Iterable[Sequence[int]]) -> int | None:
    """The lowest number of the runs (first, last) that no row has as its ``number``; None if all are used."""
    after = used.filter(number=OuterRef("number") + 1)
    for low, high in runs:
        if not used.filter(number=low).exists():
            return low
        before = used.filter(~Exists(after), number__gte=low, number__lt=high).order_by("number")
        free = before.values_list(F("number") + 1, flat=True).first()
        if free is not None:
            return int(free)
    return None
