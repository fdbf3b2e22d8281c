"""Lists of objects, in the order of their names: below a prefix, rolled up at a delimiter, page by page.

One query fetches a page. Only where many names roll up into one entry another query leaps over them. Rows are
what the database says, as it says it: nothing is made of what no face asks for.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import itertools
import json
import operator
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.db.models import Func, Q, QuerySet, TextField
from django.db.models.functions import Cast

from synnefo.common import streamed
from synnefo.common.prepared import Row
from synnefo.pithos.namespace import leaps, whole
from synnefo.pithos.namespace.containers import versions_at
from synnefo.pithos.namespace.models import PITHOS, Attributes, Container, Version
from synnefo.pithos.namespace.names import behind, check_characters
from synnefo.pithos.namespace.sights import Sight


class _Row(NamedTuple):
    name: str
    size_bytes: int
    content_type: str
    checksum: str
    stored: str
    kept: str
    pk: int
    hash: str
    uuid: str
    modified_by: str
    available: int


class Listed(_Row):
    """What lists tell of a version. There are many, so texts are read only where somebody asks.

    ``stored`` is when it was modified, in UTC, as the database says it; ``kept`` is what attributes it has,
    in JSON. Of a list that is ``told`` less rows end there, or before, and to ask them for more is an error.
    """

    @property
    def moment(self) -> str:
        return moment_of(self.stored)

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
        return has_domain(self.kept, domain)


class Rolled(NamedTuple):
    """What several names begin with."""

    name: str


Entry = Listed | Rolled

T = TypeVar("T")

_NOTHING = "{}"
_parsed: Callable[[str], Attributes] = json.loads


def has_domain(kept: str, domain: str) -> bool:
    return kept != _NOTHING and f'"{domain}"' in kept


def moment_of(stored: str) -> str:
    """When it was, as ``2031-01-01T00:00:00.000000`` in UTC: zeros at its end are not stored."""
    text = stored.replace(" ", "T")
    if len(text) == _MOMENT_LENGTH:
        return text
    return text.ljust(_MOMENT_LENGTH, "0") if "." in text else f"{text}.000000"


def moments_of(rows: Sequence[Row]) -> list[str]:
    """The same for many rows, most of which need no more: a call for each would take half as long again."""
    return [
        text if len(text := stored.replace(" ", "T")) == _MOMENT_LENGTH else moment_of(stored)
        for stored in map(_STORED, rows)
    ]


_MOMENT_LENGTH = len("2031-01-01T00:00:00.000000")
_NAME = operator.itemgetter(0)
_STORED = operator.itemgetter(_Row._fields.index("stored"))


class _Stored(Func):
    """A moment as ``Listed`` has it. Drivers need ten times as long to make moments of what they read."""

    output_field = TextField()
    template = "(%(expressions)s AT TIME ZONE 'UTC')::text"

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """Of a bare column the driver makes moments."""
        return self.as_sql(compiler, connection, template="CAST(%(expressions)s AS text)", **more)


_SAID = {"name": "object__name"}
_COLUMNS = [_SAID.get(field, field) for field in _Row._fields]
#: Of a tuple as the database gives it, which is not looked at.
listed: Callable[[Row], Listed] = functools.partial(tuple.__new__, Listed)


class Told(enum.IntEnum):
    """How many of the columns a list tells; most faces need not know all."""

    NAMES = 1
    BRIEF = _Row._fields.index("kept") + 1
    ALL = len(_Row._fields)


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """``virtual`` is whether names that roll up are shown, as ``photos/``; ``until`` looks back.

    Objects that are out of ``sight``, or that ``accepts`` does not want, are passed over. With ``folds`` a
    name that ends at the delimiter rolls up too, and what rolled up counts for the limit. ``reverse`` begins
    at the end: the marker is an upper border then, and the end marker a lower one. ``kept_as`` names what is
    ``made`` of rows if that may be kept in memory: it follows from them and the account alone.
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
    told: Told = Told.ALL
    kept_as: str = ""

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
        return list[Entry](_page(container, wanted, _start(wanted))[0])
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


def made(
    container: Container,
    wanted: Wanted,
    of_rows: Callable[[Sequence[Row]], list[T]],
    of_rolled: Callable[[Rolled], T],
) -> list[T]:
    """What is made of each entry: of many objects at a time, while the database looks for the next ones.

    ``of_rows`` takes rows of as many values as are ``told``, and asks the database nothing.
    """
    if wanted.passes_over or wanted.limit <= 0:
        found = list[T]()
        for _, run in itertools.groupby(entries(container, wanted), type):
            rows = list[Row]()
            for entry in run:
                if isinstance(entry, Rolled):
                    found.append(of_rolled(entry))
                else:
                    rows.append(entry)
            found += of_rows(rows)
        return found
    check_characters(wanted.prefix + wanted.marker + wanted.end_marker)
    return _in_order(container, wanted, _start(wanted), wanted.limit, of_rows)


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
    found = sorted(plain(rows, wanted.told))
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
    found = _in_order(container, wanted, place, size, _listed)
    return found, len(found) == size


def _in_order(
    container: Container, wanted: Wanted, place: Q, size: int, make: Callable[[Sequence[Row]], list[T]]
) -> list[T]:
    """What is made of so many objects from a place on."""
    rows = _objects(container, wanted, place)
    if container.object_count <= size and wanted.until is None:
        is_whole = not (place or wanted.prefix or wanted.end_marker)
        found = _remembered(container, rows, wanted, make) if is_whole else None
        if found is None:
            read = functools.partial(_read, told=wanted.told)
            found = _sorted(
                whole.pieces(container, rows, read) if is_whole else read(rows), wanted, size, make
            )
        if found is not None:
            return found
    order = "-object__name" if wanted.reverse else "object__name"
    return _made(rows.order_by(order)[:size], wanted.told, make)


def _sorted(
    pieces: Generator[list[Row]], wanted: Wanted, most: int, make: Callable[[Sequence[Row]], list[T]]
) -> list[T] | None:
    """The same of all that there are; None if they are more.

    To sort them takes the database several times as long, and then it sends none before it has found all.
    """
    count, names, found = 0, list[str](), list[T]()
    with closing(pieces):
        for piece in pieces:
            count += len(piece)
            if count <= most:
                names += [row[0] for row in piece]
                found += make(piece)
    if count > most:
        return None
    order = sorted(range(len(names)), key=names.__getitem__, reverse=wanted.reverse)
    return [found[number] for number in order]


def _remembered(
    container: Container, rows: QuerySet[Version], wanted: Wanted, make: Callable[[Sequence[Row]], list[T]]
) -> list[T] | None:
    """The same of all that there are, made of new ones alone; None where that cannot be."""

    def tell(some: QuerySet[Version]) -> Iterator[tuple[int, tuple[str, T]]]:
        for piece in _read(some, wanted.told, "pk"):
            made = make([row[:-1] for row in piece])
            yield from ((row[-1], (row[0], one)) for row, one in zip(piece, made, strict=True))

    found = whole.remembered(container, rows, wanted.kept_as, tell) if wanted.kept_as else None
    if found is None or len(found) > wanted.limit:
        return None
    found.sort(key=_NAME, reverse=wanted.reverse)
    return [one for _, one in found]


def _objects(container: Container, wanted: Wanted, place: Q) -> QuerySet[Version]:
    """All objects from a place on, in no order."""
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
    return rows


def plain(rows: QuerySet[Version], told: Told = Told.ALL) -> list[Listed]:
    """The rows as plain values."""
    return _made(rows, told, _listed)


def _listed(rows: Sequence[Row]) -> list[Listed]:
    return list(map(listed, rows))


def _made(rows: QuerySet[Version], told: Told, make: Callable[[Sequence[Row]], list[T]]) -> list[T]:
    with closing(_read(rows, told)) as pieces:
        return list(itertools.chain.from_iterable(map(make, pieces)))


def _read(rows: QuerySet[Version], told: Told, *more: str) -> Generator[list[Row]]:
    values = rows.annotate(stored=_Stored("modified"), kept=Cast("attributes", TextField()))
    return streamed.pieces(values.values_list(*_COLUMNS[:told], *more))


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
