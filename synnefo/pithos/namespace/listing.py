"""Lists of objects, in the order of their names: below a prefix, rolled up at a delimiter, page by page.

One query fetches a page. Only where many names roll up into one entry another query leaps over them.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db.models import QuerySet

from synnefo.pithos.namespace.containers import versions_at
from synnefo.pithos.namespace.models import Container, Version
from synnefo.pithos.namespace.names import behind, check_characters


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """``virtual`` is whether names that roll up are shown, as ``photos/``; ``until`` looks back.

    Objects that ``accepts`` does not want are passed over.
    """

    prefix: str = ""
    delimiter: str = ""
    marker: str = ""
    end_marker: str = ""
    limit: int = 10_000
    virtual: bool = True
    until: datetime.datetime | None = None
    accepts: Callable[[Version], bool] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """An object, or (without a version) what several names begin with."""

    name: str
    version: Version | None = None


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
        if objects >= wanted.limit or virtual >= settings.PITHOS_API_LIST_LIMIT:
            break
    return sorted(found, key=lambda entry: entry.name)


def _all(container: Container, wanted: Wanted) -> Iterator[Entry]:
    after, first = _start(wanted)
    while True:
        rows = _rows(container, wanted, after, first)
        rolled = ""
        for row in rows:
            if wanted.accepts is not None and not wanted.accepts(row):
                continue
            if not rolled or _rolled(row.object.name, wanted) != rolled:
                rolled = _rolled(row.object.name, wanted)
                yield Entry(rolled) if rolled else Entry(row.object.name, row)
        if len(rows) < wanted.limit:
            return
        after, first = ("", behind(rolled)) if rolled else (rows[-1].object.name, "")


def _rolled(name: str, wanted: Wanted) -> str:
    """The entry that a name rolls up into; empty if it stands for itself."""
    if not wanted.delimiter:
        return ""
    head, delimiter, tail = name[len(wanted.prefix) :].partition(wanted.delimiter)
    return wanted.prefix + head + delimiter if delimiter and tail else ""


def _start(wanted: Wanted) -> tuple[str, str]:
    """Names after the one, or from the other on. A marker that is an entry of rolled up names passes them."""
    marker = wanted.marker
    inside = marker.startswith(wanted.prefix) and marker != wanted.prefix
    if wanted.delimiter and inside and marker.endswith(wanted.delimiter):
        return "", behind(marker)
    return marker, ""


def _rows(container: Container, wanted: Wanted, after: str, first: str) -> list[Version]:
    rows: QuerySet[Version]
    if wanted.until is None:
        rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
    else:
        rows = versions_at(container, wanted.until)
    if wanted.prefix:
        rows = rows.filter(object__name__gte=wanted.prefix, object__name__lt=behind(wanted.prefix))
    if after:
        rows = rows.filter(object__name__gt=after)
    if first:
        rows = rows.filter(object__name__gte=first)
    if wanted.end_marker:
        rows = rows.filter(object__name__lt=wanted.end_marker)
    return list(rows.select_related("object").order_by("object__name")[: wanted.limit])


def metadata_keys(container: Container, prefix: str) -> list[str]:
    """All metadata keys with the prefix that objects of the container have now, without the prefix."""
    rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
    found = {
        key[len(prefix) :]
        for attributes in rows.exclude(attributes={}).values_list("attributes", flat=True).iterator()
        for key in attributes.get("pithos", {})
        if key.startswith(prefix)
    }
    return sorted(found)
