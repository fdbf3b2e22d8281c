"""Lists of long containers as a whole: where their objects lie, and what was made of them before.

PostgreSQL writes a row anew for every change: its number and that of the transaction (``xmin``) name what it
says for good. So what lists have made of rows stays in this process's memory under these. The database is
asked which rows there are, and what those say that are new. Who may see them is asked elsewhere, each time.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Generator, Iterable
from typing import Any, NamedTuple, TypeAlias

from cachetools import LRUCache
from django.conf import settings
from django.db.models import Aggregate, BinaryField, Exists, F, Q, QuerySet, Subquery

from synnefo.common.prepared import Prepared, Row, run
from synnefo.common.transactions import snapshot
from synnefo.pithos.namespace.models import Container, Object, Version

#: To read fewer objects each by itself costs less than to look where they lie.
_WORTH_A_LOOK = 1000
#: So many are asked for by their numbers; if there are more, all are.
_FEW = 500
#: What came since statistics were taken the database believes to be a row or two, which it would look up each
#: by itself. Objects that lie together are read as a whole.
_AS_A_WHOLE = "SET LOCAL enable_nestloop = off"

#: An object's name, and what is told of it.
Told: TypeAlias = tuple[str, Any]
#: A version's number (8 bytes) and that of the transaction that wrote its row (4).
_State: TypeAlias = bytes
_NUMBER_BYTES, _STATE_BYTES = 8, 12
_Key: TypeAlias = tuple[int, str, str]
#: A server that was restored from a copy may give the same numbers to other rows; it was started then.
_STARTED = "SELECT pg_postmaster_start_time()::text"


class _States(Aggregate):
    """Those of all rows in one value: as rows of an answer they take several times as long, as text twice."""

    output_field = BinaryField()
    template = """string_agg(int8send("pithos_version"."id") || xidsend("pithos_version"."xmin"), '')"""


class _Kept(NamedTuple):
    server: str
    states: bytes
    told: dict[_State, Told]


def pieces(
    container: Container, rows: QuerySet[Version], read: Callable[[QuerySet[Version]], Generator[list[Row]]]
) -> Generator[list[Row]]:
    """What is read of all objects of a container, in one go if they lie together.

    Else the database reads each by itself, or (where they are a large part) all that there are.
    """
    if container.object_count < _WORTH_A_LOOK:
        yield from read(rows)
        return
    with snapshot() as is_one_moment:
        lies = _lies(container) if is_one_moment else None
        yield from read(rows.filter(_between(*lies)) if lies else rows)


def remembered(
    container: Container,
    rows: QuerySet[Version],
    kind: str,
    tell: Callable[[QuerySet[Version]], Iterable[tuple[int, Told]]],
) -> list[Told] | None:
    """What is told of all objects of a container, in no order; None where nothing is kept.

    ``tell`` makes it of rows and gives it by their numbers; ``kind`` names what it makes. That must follow
    from the row, the name of its path and the account alone. The first list of a container goes without.
    """
    if not _WORTH_A_LOOK <= container.object_count < settings.PITHOS_REMEMBERED_ROWS:
        return None
    key = (container.pk, container.account.name, kind)
    with _guard:
        kept = _memory().get(key)
    if kept is None:
        _keep(key, _Kept("", b"", {}))
        return None
    with snapshot() as is_one_moment:
        lies = _lies(container) if is_one_moment else None
        return _told(key, kept, lies, rows, tell) if lies else None


def _told(
    key: _Key, kept: _Kept, lies: tuple[int, int], rows: QuerySet[Version],
    tell: Callable[[QuerySet[Version]], Iterable[tuple[int, Told]]],
) -> list[Told]:  # fmt: skip
    server = str(run(_STARTED, ())[0][0][0])
    states = _states(key[0], *lies)
    if (states, server) == (kept.states, kept.server):
        return list(kept.told.values())
    known = kept.told if kept.server == server else {}
    each = (states[start : start + _STATE_BYTES] for start in range(0, len(states), _STATE_BYTES))
    found: dict[_State, Any] = {state: known.get(state) for state in each}
    new = {int.from_bytes(state[:_NUMBER_BYTES]): state for state, one in found.items() if one is None}
    if new:
        some = rows.filter(pk__in=new) if len(new) <= _FEW else rows.filter(_between(*lies))
        found.update((new[number], one) for number, one in tell(some) if number in new)
    _keep(key, _Kept(server, states, found))
    return list(found.values())


def _lies(container: Container) -> tuple[int, int] | None:
    """From where to where its paths lie, if those of others between are no more than they.

    Of what is asked next in this transaction all is read there is then.
    """
    for first, last, count in _extent(container.pk):
        if first is not None and last - first < 2 * count:
            run(_AS_A_WHOLE, ())
            return first, last
    return None


def _between(first: int, last: int) -> Q:
    return Q(object__gte=first, object__lte=last)


def _extent_of(container: int) -> QuerySet[Container, Any]:
    paths = Object.objects.alias(place=F("container") + 0).filter(place=container).values("pk")
    first, last = (Subquery(paths.order_by(order)[:1]) for order in ("pk", "-pk"))
    return Container.objects.filter(pk=container).values_list(first, last, "object_count")


_extent = Prepared(_extent_of, -1)


def _states(container: int, first: int, last: int) -> bytes:
    """Those of all objects of a container; to ask for their paths besides takes twice as long."""
    for ask in (_states_if_alone, _states_among_others):
        for (states,) in ask(container, first, last):
            if states is not None:
                return bytes(states)
    return b""


def _states_alone(container: int, first: int, last: int) -> QuerySet[Version, Any]:
    """Nothing if a path of another container lies between theirs."""
    others = Object.objects.filter(pk__gte=first, pk__lte=last).exclude(container=container)
    rows = Version.objects.filter(_between(first, last), ~Exists(others), state=Version.State.CURRENT)
    return rows.values("state").values_list(_States("pk"))


def _states_with_paths(container: int, first: int, last: int) -> QuerySet[Version, Any]:
    rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
    return rows.filter(_between(first, last)).values("object__container").values_list(_States("pk"))


_states_if_alone = Prepared(_states_alone, -1, -2, -3)
_states_among_others = Prepared(_states_with_paths, -1, -2, -3)


def _size(kept: _Kept) -> int:
    """In rows; one that is not kept yet is one."""
    return 1 + len(kept.told)


def _keep(key: _Key, kept: _Kept) -> None:
    with _guard:
        if _size(kept) <= _memory().maxsize:
            _memory()[key] = kept
        else:
            _memory().pop(key, None)


_guard = threading.Lock()


@functools.cache
def _memory() -> LRUCache[_Key, _Kept]:
    return LRUCache(settings.PITHOS_REMEMBERED_ROWS, getsizeof=_size)
