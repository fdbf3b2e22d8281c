"""Lists of all versions and tombstones of a container: by name, the youngest of each first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import Q, QuerySet

from synnefo.pithos.namespace import numbers
from synnefo.pithos.namespace.listing import Listed, plain
from synnefo.pithos.namespace.models import Container, Version
from synnefo.pithos.namespace.names import behind, check_characters


class Wanted(NamedTuple):
    """What comes behind ``marker``; with ``below`` also what is of that very name and older than that."""

    prefix: str = ""
    delimiter: str = ""
    marker: str = ""
    below: int | None = None
    limit: int = 1000


class Entry(NamedTuple):
    """A version, or (without one) what several names begin with. ``number`` is None for one without."""

    name: str
    version: Listed | None = None
    number: int | None = None
    is_tombstone: bool = False
    is_youngest: bool = False


def entries(container: Container, wanted: Wanted) -> list[Entry]:
    """At most ``limit`` of them."""
    check_characters(wanted.prefix + wanted.marker + wanted.delimiter)
    found: list[Entry] = []
    if wanted.limit > 0:
        for entry in _all(container, wanted):
            found.append(entry)
            if len(found) >= wanted.limit:
                break
    return found


def _all(container: Container, wanted: Wanted) -> Iterator[Entry]:
    rows = _rows(container, wanted)
    place, name, has_plain = _start(wanted), wanted.marker, _showed_plain(container, wanted)
    while True:
        seen = list(rows.filter(place).values_list("pk", "state", "object__name")[: wanted.limit])
        states = {pk: state for pk, state, _ in seen}
        page = plain(rows.filter(pk__in=states)) if seen else []
        rolled = ""
        for row in page:
            if rolled and row.name.startswith(rolled):
                continue
            rolled = _rolled(row.name, wanted)
            if rolled:
                yield Entry(rolled)
                continue
            is_first = row.name != name
            name, has_plain = row.name, has_plain and not is_first
            entry = _entry(container, row, states[row.pk], is_first)
            if entry is None or (entry.number is None and has_plain):
                continue
            has_plain = has_plain or entry.number is None
            yield entry
        if len(seen) < wanted.limit:
            return
        last, _, last_name = seen[-1]
        place = Q(object__name__gte=behind(rolled)) if rolled else _behind(last_name, last)


def _rows(container: Container, wanted: Wanted) -> QuerySet[Version]:
    rows = Version.objects.filter(object__container=container)
    if wanted.prefix:
        rows = rows.filter(object__name__gte=wanted.prefix, object__name__lt=behind(wanted.prefix))
    return rows.order_by("object__name", "-pk")


def _entry(container: Container, row: Listed, state: int, is_youngest: bool) -> Entry | None:
    is_tombstone = state == Version.State.TOMBSTONE
    if is_tombstone and not numbers.was_switched(container):
        return None
    numbered = numbers.is_numbered(container, row.pk, is_past=state != Version.State.CURRENT)
    return Entry(row.name, row, row.pk if numbered else None, is_tombstone, is_youngest)


def _rolled(name: str, wanted: Wanted) -> str:
    if not wanted.delimiter:
        return ""
    head, delimiter, _ = name[len(wanted.prefix) :].partition(wanted.delimiter)
    return wanted.prefix + head + delimiter if delimiter else ""


def _start(wanted: Wanted) -> Q:
    if not wanted.marker:
        return Q()
    if wanted.below is not None:
        return _behind(wanted.marker, wanted.below)
    inside = wanted.marker.startswith(wanted.prefix) and wanted.marker != wanted.prefix
    if wanted.delimiter and inside and wanted.marker.endswith(wanted.delimiter):
        return Q(object__name__gte=behind(wanted.marker))
    return Q(object__name__gt=wanted.marker)


def _behind(name: str, pk: int) -> Q:
    return Q(object__name__gte=name) & (Q(object__name__gt=name) | Q(pk__lt=pk))  # the first finds the place


def _showed_plain(container: Container, wanted: Wanted) -> bool:
    """Whether the version without a number of the name where the page begins was on one before."""
    if wanted.below is None:
        return False
    rows = Version.objects.filter(
        object__container=container, object__name=wanted.marker, pk__gte=wanted.below
    )
    return any(
        not numbers.is_numbered(container, pk, is_past=state != Version.State.CURRENT)
        for pk, state in rows.values_list("pk", "state")
    )
