"""Lists of objects, in the order of their names: below a prefix, rolled up at a delimiter, page by page.

One query fetches a page. Only where many names roll up into one entry another query leaps over them.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast

from synnefo.pithos.namespace import leaps
from synnefo.pithos.namespace.containers import versions_at
from synnefo.pithos.namespace.models import PITHOS, Attributes, Container, Version
from synnefo.pithos.namespace.names import behind, check_characters
from synnefo.pithos.namespace.sights import Sight


class Listed(NamedTuple):
    """What lists tell of a version: plain values, since there are many. ``attributes`` come if asked for."""

    name: str
    pk: int
    size_bytes: int
    content_type: str
    checksum: str
    hash: str
    uuid: str
    modified: datetime.datetime
    modified_by: str
    available: int
    attributes: Attributes = {}

    @property
    def own_attributes(self) -> dict[str, str]:
        """What clients of the object API have set."""
        return self.attributes.get(PITHOS, {})


_COLUMNS = (
    "object__name", "pk", "size_bytes", "content_type", "checksum", "hash", "uuid", "moment", "modified_by",
    "available",
)  # fmt: skip
_MOMENT = _COLUMNS.index("moment")


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """``virtual`` is whether names that roll up are shown, as ``photos/``; ``until`` looks back.

    Objects that are out of ``sight``, or that ``accepts`` does not want, are passed over. With ``folds`` a
    name that ends at the delimiter rolls up too, and what rolled up counts for the limit. ``reverse`` begins
    at the end: the marker is an upper border then, and the end marker a lower one. ``with_attributes`` they
    come with the versions.
    """

    prefix: str = ""
    delimiter: str = ""
    marker: str = ""
    end_marker: str = ""
    limit: int = 10_000
    virtual: bool = True
    folds: bool = False
    reverse: bool = False
    until: datetime.datetime | None = None
    sight: Sight | None = None
    accepts: Callable[[Listed], bool] | None = None
    with_attributes: bool = False


class Entry(NamedTuple):
    """An object, or (without a version) what several names begin with."""

    name: str
    version: Listed | None = None


def entries(container: Container, wanted: Wanted) -> list[Entry]:
    """At most ``limit`` objects, and the entries between them."""
    check_characters(wanted.prefix + wanted.marker + wanted.end_marker + wanted.delimiter)
    if wanted.limit <= 0:
        return []
    found: list[Entry] = []
    objects = virtual = 0
    for entry in _all(container, wanted):
        if entry.version is None:
            virtual += 1
            if wanted.virtual:
                found.append(entry)
        else:
            objects += 1
            found.append(entry)
        counted = len(found) if wanted.folds else objects
        if counted >= wanted.limit or virtual >= settings.PITHOS_API_LIST_LIMIT:
            break
    return sorted(found, key=lambda entry: entry.name, reverse=wanted.reverse)


def _all(container: Container, wanted: Wanted) -> Iterator[Entry]:
    place, edge, leaping = _start(wanted), "", False
    while True:
        rows, more = _leapt(container, wanted, edge) if leaping else _page(container, wanted, place)
        rolled, count, virtual = "", 0, 0
        for row in rows:
            if wanted.sight is not None and wanted.sight.right(row.name) is None:
                continue
            if wanted.accepts is not None and not wanted.accepts(row):
                continue
            if not rolled or _rolled(row.name, wanted) != rolled:
                rolled = _rolled(row.name, wanted)
                count, virtual = count + 1, virtual + bool(rolled)
                yield Entry(rolled) if rolled else Entry(row.name, row)
        if not more:
            return
        place = _further(wanted, rolled, rows[-1].name)
        edge = behind(rolled) if rolled else f"{rows[-1].name}\x01"
        # Where most names roll up they are leapt over; where few do, that would cost more than it saves.
        leaping = _can_leap(wanted) and (2 * virtual > count if leaping else 4 * count < len(rows))


def _can_leap(wanted: Wanted) -> bool:
    filtered = wanted.sight is not None or wanted.accepts is not None or wanted.until is not None
    return len(wanted.delimiter) == 1 and not wanted.reverse and not filtered


def _leapt(container: Container, wanted: Wanted, edge: str) -> tuple[list[Listed], bool]:
    """One object for each entry from a name on, and whether there may be more."""
    ends = [name for name in (wanted.prefix and behind(wanted.prefix), wanted.end_marker) if name]
    names = leaps.over(
        container, wanted.prefix, wanted.delimiter, edge=edge, end=min(ends, default=""), folds=wanted.folds
    )
    rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
    rows = rows.filter(object__name__in=names)
    found = sorted(plain(rows, with_attributes=wanted.with_attributes))
    return found, bool(found) and len(names) == leaps.AT_ONCE


def _rolled(name: str, wanted: Wanted) -> str:
    """The entry that a name rolls up into; empty if it stands for itself."""
    if not wanted.delimiter:
        return ""
    head, delimiter, tail = name[len(wanted.prefix) :].partition(wanted.delimiter)
    return wanted.prefix + head + delimiter if delimiter and (tail or wanted.folds) else ""


def _start(wanted: Wanted) -> Q:
    """Names behind the marker; one that is an entry of rolled up names passes them."""
    marker = wanted.marker
    if not marker:
        return Q()
    if wanted.reverse:
        return Q(object__name__lt=marker)
    inside = marker.startswith(wanted.prefix) and marker != wanted.prefix
    if wanted.delimiter and inside and marker.endswith(wanted.delimiter):
        return Q(object__name__gte=behind(marker))
    return Q(object__name__gt=marker)


def _further(wanted: Wanted, rolled: str, last: str) -> Q:
    """Names behind a page that ended at ``last``, which rolled up or did not."""
    if not wanted.reverse:
        return Q(object__name__gte=behind(rolled)) if rolled else Q(object__name__gt=last)
    if rolled and not wanted.folds:  # the object of that very name is still to come
        return Q(object__name__lte=rolled)
    return Q(object__name__lt=rolled or last)


def _page(container: Container, wanted: Wanted, place: Q) -> tuple[list[Listed], bool]:
    """Objects from a place on, and whether there may be more. A page may roll up, so it is not too long."""
    size = min(wanted.limit, leaps.AT_ONCE) if _can_leap(wanted) else wanted.limit
    rows: QuerySet[Version]
    if wanted.until is None:
        rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
    else:
        rows = versions_at(container, wanted.until)
    if wanted.prefix:
        rows = rows.filter(object__name__gte=wanted.prefix, object__name__lt=behind(wanted.prefix))
    rows = rows.filter(place)
    if wanted.sight is not None:
        rows = rows.filter(wanted.sight.rows)
    if wanted.end_marker:
        end = wanted.end_marker
        rows = rows.filter(Q(object__name__gt=end) if wanted.reverse else Q(object__name__lt=end))
    order = "-object__name" if wanted.reverse else "object__name"
    with_attributes = wanted.with_attributes or wanted.accepts is not None
    found = plain(rows.order_by(order)[:size], with_attributes=with_attributes)
    return found, len(found) == size


def plain(rows: QuerySet[Version], *, with_attributes: bool) -> list[Listed]:
    """The rows as plain values."""
    columns = (*_COLUMNS, "attributes") if with_attributes else _COLUMNS
    # Databases say moments as texts that Python itself reads ten times as fast as their drivers do.
    found = rows.annotate(moment=Cast("modified", CharField())).values_list(*columns)
    return [_listed(*row) for row in found]


def _listed(*values: Any) -> Listed:
    moment = datetime.datetime.fromisoformat(values[_MOMENT])
    aware = moment.replace(tzinfo=datetime.UTC) if moment.tzinfo is None else moment.astimezone(datetime.UTC)
    replaced: tuple[Any, ...] = (*values[:_MOMENT], aware, *values[_MOMENT + 1 :])
    return Listed(*replaced)


def metadata_keys(container: Container, prefix: str, sight: Sight | None = None) -> list[str]:
    """All metadata keys with the prefix that objects in sight have now, without the prefix.

    That is: those of as many objects as one list shows, so that no container is too large to be asked.
    """
    rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
    if sight is not None:
        rows = rows.filter(sight.rows)
    some = rows.order_by("object__name").values_list("object__name", "attributes")
    found = {
        key[len(prefix) :]
        for name, attributes in some[: settings.PITHOS_API_LIST_LIMIT].iterator()
        if sight is None or sight.right(name) is not None
        for key in attributes.get(PITHOS, {})
        if key.startswith(prefix)
    }
    return sorted(found)
