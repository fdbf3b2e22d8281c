"""Lists of objects, in the order of their names: below a prefix, rolled up at a delimiter, page by page.

One query fetches a page. Only where many names roll up into one entry another query leaps over them. Rows are
what the database says, as it says it: nothing is made of what no face asks for.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import CharField, Func, Q, QuerySet, TextField
from django.db.models.functions import Cast

from synnefo.pithos.namespace import leaps
from synnefo.pithos.namespace.containers import versions_at
from synnefo.pithos.namespace.models import PITHOS, Attributes, Container, Version
from synnefo.pithos.namespace.names import behind, check_characters
from synnefo.pithos.namespace.sights import Sight


class _Row(NamedTuple):
    name: str
    size_bytes: int
    content_type: str
    checksum: str
    moment: str
    kept: str
    pk: int
    hash: str
    uuid: str
    modified_by: str
    available: int


class Listed(_Row):
    """What lists tell of a version. There are many, so texts are read only where somebody asks.

    ``moment`` is when it was modified, as ``2031-01-01T00:00:00.000000`` in UTC; ``kept`` is
    what attributes it has, in JSON. Of a brief list rows end there, and to ask them for more is an error.
    """

    @property
    def modified(self) -> datetime.datetime:
        return datetime.datetime.fromisoformat(f"{self.moment}+00:00")

    @functools.cached_property
    def attributes(self) -> Attributes:
        return _parsed(self.kept) if self.kept != _NOTHING else {}

    @property
    def own_attributes(self) -> dict[str, str]:
        """What clients of the object API have set."""
        return self.attributes.get(PITHOS, {})

    def says_of(self, domain: str) -> bool:
        """Whether there may be attributes of a domain; without reading them."""
        return self.kept != _NOTHING and f'"{domain}"' in self.kept


class Rolled(NamedTuple):
    """What several names begin with."""

    name: str


Entry = Listed | Rolled

_NOTHING = "{}"
_parsed: Callable[[str], Attributes] = json.loads


class _Moment(Func):
    """A moment as ``Listed`` has it. Drivers need ten times as long to make moments of what they read."""

    output_field = CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """What is stored has a space, and of a whole second no more digits."""
        template = "substr(replace(%(expressions)s, ' ', 'T') || '.000000', 1, 26)"
        return self.as_sql(compiler, connection, template=template, **more)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = """to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')"""
        return self.as_sql(compiler, connection, template=template, **more)


_SAID = {"name": "object__name"}
_COLUMNS = [_SAID.get(field, field) for field in _Row._fields]
_BRIEF = _COLUMNS[: _COLUMNS.index("kept") + 1]
#: Of a tuple as the database gives it, which is not looked at.
_listed: Callable[[tuple[Any, ...]], Listed] = functools.partial(tuple.__new__, Listed)


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """``virtual`` is whether names that roll up are shown, as ``photos/``; ``until`` looks back.

    Objects that are out of ``sight``, or that ``accepts`` does not want, are passed over. With ``folds`` a
    name that ends at the delimiter rolls up too, and what rolled up counts for the limit. ``reverse`` begins
    at the end: the marker is an upper border then, and the end marker a lower one. A ``brief`` list
    leaves out what not all faces tell.
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
    brief: bool = False

    @property
    def passes_over(self) -> bool:
        """Whether there may be rows that make no entry of their own."""
        return bool(self.delimiter) or self.sight is not None or self.accepts is not None


def entries(container: Container, wanted: Wanted) -> list[Entry]:
    """At most ``limit`` objects, and the entries between them."""
    check_characters(wanted.prefix + wanted.marker + wanted.end_marker + wanted.delimiter)
    if wanted.limit <= 0:
        return []
    if not wanted.passes_over:
        return list(_page(container, wanted, _start(wanted))[0])
    found: list[Entry] = []
    objects = virtual = 0
    most: int = settings.PITHOS_API_LIST_LIMIT
    for entry in _all(container, wanted):
        if isinstance(entry, Rolled):
            virtual += 1
            if wanted.virtual:
                found.append(entry)
        else:
            objects += 1
            found.append(entry)
        counted = len(found) if wanted.folds else objects
        if counted >= wanted.limit or virtual >= most:
            break
    return found


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
                yield Rolled(rolled) if rolled else row
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
    found = sorted(plain(rows, brief=wanted.brief))
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
    found = plain(rows.order_by(order)[:size], brief=wanted.brief)
    return found, len(found) == size


def plain(rows: QuerySet[Version], *, brief: bool = False) -> list[Listed]:
    """The rows as plain values."""
    told = rows.annotate(moment=_Moment("modified"), kept=Cast("attributes", TextField()))
    return list(map(_listed, told.values_list(*(_BRIEF if brief else _COLUMNS))))


def metadata_keys(container: Container, prefix: str, sight: Sight | None = None) -> list[str]:
    """All metadata keys with the prefix that objects in sight have now, without the prefix.

    That is: those of as many objects as one list shows, so that no container is too large to be asked. Only
    what has attributes is fetched; where names are, an index says.
    """
    most: int = settings.PITHOS_API_LIST_LIMIT
    rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
    rows = rows.order_by("object__name")
    if sight is not None:
        rows = rows.filter(sight.rows)
    if container.object_count > most:
        for last in rows.values_list("object__name", flat=True)[most - 1 : most]:
            rows = rows.filter(object__name__lte=last)
    some = rows.exclude(attributes={}).values_list("object__name", "attributes")
    found = {
        key[len(prefix) :]
        for name, attributes in some[:most].iterator()
        if sight is None or sight.right(name) is not None
        for key in attributes.get(PITHOS, {})
        if key.startswith(prefix)
    }
    return sorted(found)
