"""Lists of uploads that go on, in the order of their names and ages, and of their parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import Q, QuerySet

from synnefo.common.caller import Caller
from synnefo.pithos.namespace import access, names
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.uploads.models import Part, Upload


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Behind the ``marker``, or behind that upload (a uuid) of it."""

    prefix: str = ""
    delimiter: str = ""
    marker: str = ""
    upload_marker: str = ""
    limit: int = 1000


class Entry(NamedTuple):
    """An upload, or (without one) what the names of several begin with."""

    name: str
    upload: Upload | None = None


def uploads(caller: Caller, account: str, container: str, wanted: Wanted) -> tuple[list[Entry], bool]:
    """A page, and whether there are more. Raises Forbidden, BadRequest, ItemNotFound."""
    names.check_characters(wanted.prefix + wanted.delimiter + wanted.marker + wanted.upload_marker)
    found = access.container(caller, account, container, Right.LIST)
    page: list[Entry] = []
    for entry in _all(found.pk, wanted):
        if len(page) == wanted.limit:
            return page, True
        page.append(entry)
    return page, False


def parts(upload: Upload, marker: int, limit: int) -> tuple[list[Part], bool]:
    """Parts behind a number, and whether there are more."""
    rows = list(upload.parts.filter(number__gt=marker).order_by("number")[: limit + 1])
    return rows[:limit], len(rows) > limit


def _all(container: int, wanted: Wanted) -> Iterator[Entry]:
    place = _start(container, wanted)
    while True:
        rows = list(_rows(container, wanted).filter(place)[: wanted.limit + 1])
        rolled = ""
        for row in rows:
            if not rolled or not row.name.startswith(rolled):
                rolled = _rolled(row.name, wanted)
                yield Entry(rolled) if rolled else Entry(row.name, row)
        if len(rows) <= wanted.limit:
            return
        last = rows[-1]
        place = Q(name__gte=names.behind(rolled)) if rolled else _after(last.name, last.pk)


def _rows(container: int, wanted: Wanted) -> QuerySet[Upload]:
    rows = Upload.objects.filter(container=container, version=None).order_by("name", "pk")
    if wanted.prefix:
        rows = rows.filter(name__gte=wanted.prefix, name__lt=names.behind(wanted.prefix))
    return rows


def _start(container: int, wanted: Wanted) -> Q:
    if not wanted.marker:
        return Q()
    inside = wanted.marker.startswith(wanted.prefix) and _rolled(wanted.marker, wanted) == wanted.marker
    if inside:
        return Q(name__gte=names.behind(wanted.marker))
    rows = Upload.objects.filter(container=container, name=wanted.marker, uuid=wanted.upload_marker)
    number = rows.values_list("pk", flat=True).first() if wanted.upload_marker else None
    return Q(name__gt=wanted.marker) if number is None else _after(wanted.marker, number)


def _after(name: str, number: int) -> Q:
    return Q(name__gt=name) | Q(name=name, pk__gt=number)


def _rolled(name: str, wanted: Wanted) -> str:
    """The entry that a name rolls up into; empty if it stands for itself."""
    if not wanted.delimiter:
        return ""
    head, delimiter, _ = name[len(wanted.prefix) :].partition(wanted.delimiter)
    return wanted.prefix + head + delimiter if delimiter else ""
