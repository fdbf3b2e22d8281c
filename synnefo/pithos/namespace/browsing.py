"""Looking around in containers as people do: folder by folder, sorted, searched, version by version.

A page costs a fixed number of queries, however much lies below its folders: in the order of names each row
leaps over all that its folder holds, within one query. Reads only; what changes things is in ``trees``.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Sequence

from django.db import connections
from django.db.models import Case, Count, F, Max, Min, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Concat, Left, StrIndex, Substr

from synnefo.common.caller import Caller
from synnefo.pithos.namespace import access, containers
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.listing import Listed
from synnefo.pithos.namespace.models import Container, Object, Version
from synnefo.pithos.namespace.names import FOLDER_TYPES, Path, behind, check_characters

_CHUNK = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A file, or a folder, whose name ends in a slash. What is not known of a folder is None.

    ``version`` is the file, or some object that stands for or is in the folder.
    """

    name: str
    version: Version | None = None
    size_bytes: int | None = None
    files: int | None = None
    modified: datetime.datetime | None = None

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Some rows; ``first`` and ``last`` are where they begin and end, ``more`` whether others follow them."""

    rows: list[Row]
    first: str = ""
    last: str = ""
    more: bool = False


def account_of(caller: Caller) -> str:
    """The account that he works in: his own in his own project, else the project's."""
    return caller.user if caller.project == caller.user else caller.project


def by_name(
    container: Container, folder: str, *, after: str = "", before: str = "", descending: bool = False,
    limit: int,
) -> Page:  # fmt: skip
    """What lies in a folder (``""`` or ending in a slash), at most ``limit`` rows behind or before a place.

    Rows come in the order of names, or with ``descending`` in the opposite one. Where they are asked for
    before a place, ``more`` tells of rows that come before them.
    """
    check_characters(folder + after + before)
    leaps = _leaps(container, folder, after or before, descending != bool(before), limit + 1)
    names = leaps[:limit][::-1] if before else leaps[:limit]
    places = [_place(name, folder) for name in names]
    known = _versions_of(container, [place.removesuffix("/") for place in places])
    rows = []
    for place in places:
        version = known.get(place.removesuffix("/"))
        if not place.endswith("/"):
            rows.append(_row(place, version))
        elif not is_folder(version):  # else its row stands where the object is that stands for it
            rows.append(Row(place))
    return _page(rows, places, more=len(leaps) > limit)


def sorted_by(container: Container, folder: str, key: str, *, offset: int, limit: int) -> Page:
    """The same by ``size``, ``modified`` or ``kind`` (with ``-`` the other way round), from an offset on.

    Looks at all that lies below the folder, and so knows what folders hold.
    """
    check_characters(folder)
    folders = Q(content_type__in=FOLDER_TYPES)
    cut = StrIndex(F("rest"), Value("/"))
    cut_at_slash = Case(
        When(cut__gt=0, then=Left(F("rest"), cut)),
        When(folders, then=Concat(F("rest"), Value("/"))),
        default=F("rest"),
    )
    grouped = (
        _below(container, folder)
        .annotate(rest=Substr("object__name", len(folder) + 1))
        .annotate(cut=cut)
        .annotate(entry=cut_at_slash)
        .values("entry")
        .annotate(total=Sum("size_bytes"), files=Count("pk", filter=~folders))
        .annotate(last=Max("modified"), kind=Max("content_type"), first=Min("object__name"))
    )
    column = {"size": "total", "modified": "last", "kind": "kind"}[key.removeprefix("-")]
    sign = "-" if key.startswith("-") else ""
    found = list(grouped.order_by(f"{sign}{column}", "entry")[offset : offset + limit + 1])
    names = [folder + row["entry"] for row in found[:limit]]
    known = _versions_of(container, [row["first"] for row in found[:limit]])
    rows = [
        Row(name, known.get(row["first"]), row["total"], row["files"], row["last"])
        for name, row in zip(names, found, strict=False)
    ]
    return _page(rows, names, more=len(found) > limit)


def search(
    container: Container, folder: str, words: str, *, after: str = "", before: str = "", limit: int
) -> Page:
    """Files at any depth below a folder whose names contain some text, by name."""
    check_characters(folder + words + after + before)
    rows = _below(container, folder).annotate(rest=Substr("object__name", len(folder) + 1))
    rows = rows.filter(rest__icontains=words).select_related("object")
    if before:
        rows = rows.filter(object__name__lt=before).order_by("-object__name")
    else:
        rows = rows.filter(object__name__gt=after).order_by("object__name")
    found = list(rows[: limit + 1])
    versions = found[:limit][::-1] if before else found[:limit]
    shown = [_row(version.object.name, version) for version in versions]
    return _page(shown, [version.object.name for version in versions], more=len(found) > limit)


def taken(caller: Caller, account: str, container: str, names: Iterable[str]) -> set[str]:
    """Those of the names that are taken by objects. Raises Forbidden, ItemNotFound, BadRequest."""
    return taken_in(containers.get(caller, account, container), names)


def taken_in(container: Container, names: Iterable[str]) -> set[str]:
    """The same for who sees these names."""
    return set(_versions_of(container, list(names)))


def history(caller: Caller, path: Path, *, older_than: int | None = None, limit: int) -> list[Version]:
    """Versions of a path, newest first. Raises Forbidden, ItemNotFound (no such container)."""
    container = access.object(caller, path, Right.READ)
    rows = Version.objects.filter(object__container=container, object__name=path.name)
    if older_than is not None:
        rows = rows.filter(pk__lt=older_than)
    return list(rows.exclude(state=Version.State.TOMBSTONE).order_by("-id")[:limit])


def files_below(container: Container, folder: str) -> Iterator[Version]:
    """Every object below a folder with its content, by name; fetched piece by piece."""
    after = folder
    while True:
        rows = _below(container, folder).filter(object__name__gt=after)
        page = list(rows.select_related("object", "map").order_by("object__name")[:_CHUNK])
        yield from page
        if len(page) < _CHUNK:
            return
        after = page[-1].object.name


def folder_exists(container: Container, folder: str) -> bool:
    """Whether anything is below a folder, or an object stands for it."""
    if not folder or _below(container, folder).exists():
        return True
    stands = Q(object__name=folder) | Q(object__name=folder.removesuffix("/"), content_type__in=FOLDER_TYPES)
    return _current(container).filter(stands).exists()


def is_folder(version: Version | Listed | None) -> bool:
    """Whether an object stands for a folder."""
    return version is not None and version.content_type.partition(";")[0].strip() in FOLDER_TYPES


def _row(name: str, version: Version | None) -> Row:
    if version is None:  # gone since the names were read
        return Row(name)
    if is_folder(version):
        return Row(name.removesuffix("/") + "/", version, modified=version.modified)
    return Row(name, version, version.size_bytes, 1, version.modified)


def _page(rows: list[Row], places: list[str], *, more: bool) -> Page:
    return Page(rows, places[0], places[-1], more) if places else Page([])


def _current(container: Container) -> QuerySet[Version]:
    return Version.objects.filter(object__container=container, state=Version.State.CURRENT)


def _below(container: Container, folder: str) -> QuerySet[Version]:
    rows = _current(container)
    if folder:
        rows = rows.filter(object__name__gt=folder, object__name__lt=behind(folder))
    return rows


def _versions_of(container: Container, names: Sequence[str]) -> dict[str, Version]:
    if not names:
        return {}
    rows = _current(container).filter(object__name__in=names).select_related("object")
    return {version.object.name: version for version in rows}


#: Each step leaps behind all names that go into the same row: a name goes up to its first slash.
_LEAPS = """
WITH RECURSIVE leap(here, number) AS (
    SELECT * FROM (SELECT o.name, 1 {source} AND o.name {from_edge} {order}) AS first
    UNION ALL
    SELECT (SELECT o.name {source} AND o.name {from_here} {order}), number + 1
    FROM leap WHERE here IS NOT NULL AND number < %(limit)s
)
SELECT here FROM leap WHERE here IS NOT NULL ORDER BY number
"""
_SOURCE = """
FROM {objects} o JOIN {versions} v ON v.object_id = o.id AND v.state = 0
WHERE o.container_id = %(container)s AND {inside}
"""
_BEHIND = """
CASE WHEN {slash} > 0 THEN substr(here, 1, %(length)s + {slash} - 1) || '0' ELSE here || {char}(1) END
"""
_ITSELF = "CASE WHEN {slash} > 0 THEN substr(here, 1, %(length)s + {slash}) ELSE here END"


def _leaps(container: Container, folder: str, start: str, downwards: bool, limit: int) -> list[str]:
    """One object for each row of a folder, up or down from a place on, which is not among them."""
    connection = connections[Version.objects.db]
    index, char = ("strpos", "chr") if connection.vendor == "postgresql" else ("instr", "char")
    slash = f"{index}(substr(here, %(length)s + 1), '/')"
    end = behind(folder) if folder else ""
    # One bound on each side of the names and no more: SQLite may not choose the better one of two.
    if downwards:
        edge = min((name for name in (start, end) if name), default="")
        inside, from_here = "o.name > %(folder)s", f"< {_ITSELF}"
        from_edge = "< %(edge)s" if edge else "IS NOT NULL"
    else:
        edge = max(_past(start), f"{folder}\x01" if folder else "")
        inside, from_here = "o.name < %(end)s" if folder else "TRUE", f">= {_BEHIND}"
        from_edge = ">= %(edge)s"
    query = _LEAPS.format(
        source=_SOURCE.format(objects=Object._meta.db_table, versions=Version._meta.db_table, inside=inside),
        from_edge=from_edge,
        from_here=from_here,
        order=f"ORDER BY o.name {'DESC' if downwards else 'ASC'} LIMIT 1",
    ).format(slash=slash, char=char)
    values: dict[str, int | str] = {
        "container": container.pk,
        "folder": folder,
        "end": end,
        "edge": edge,
        "length": len(folder),
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [name for (name,) in cursor.fetchall()]


def _place(name: str, folder: str) -> str:
    """The row of a folder that an object goes into: itself, or the folder in that folder."""
    head, slash, _ = name[len(folder) :].partition("/")
    return folder + head + slash


def _past(place: str) -> str:
    """The first name that may come behind a row."""
    if place.endswith("/"):
        return place[:-1] + "0"
    return place + "\x01" if place else ""
