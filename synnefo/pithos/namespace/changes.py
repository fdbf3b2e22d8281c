"""Changing objects: one short transaction for any number of paths, charged.

What is to happen is planned on what is there now, without locks; the plan says what it has seen. The rows
that are changed tell if somebody was faster; then the plan is made anew. So quota can be asked for before
locks are taken, wherever Astakos is, and writers of different paths do not wait for each other.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.conf import settings
from django.db import IntegrityError, connection
from django.db.models import QuerySet, Subquery
from django.utils import timezone

from synnefo.common import locks
from synnefo.common.accounts import provisions_for
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, ItemNotFound, OverLimit, RequestTooLarge
from synnefo.common.ids import new_uuid
from synnefo.common.locks import Lock
from synnefo.common.prepared import (
    Blank,
    Child,
    PreparedChild,
    PreparedInsert,
    PreparedModels,
    PreparedUpsert,
    run,
)
from synnefo.engine.charging import charged
from synnefo.pithos.blocks.content import Content
from synnefo.pithos.blocks.hashing import DIGEST_BYTES
from synnefo.pithos.namespace import known
from synnefo.pithos.namespace.history import RESOURCE, kept_bytes
from synnefo.pithos.namespace.models import (
    SWIFT,
    Attributes,
    Container,
    HashMap,
    Object,
    PublicLink,
    Share,
    Version,
)
from synnefo.pithos.namespace.names import check_attributes
from synnefo.pithos.namespace.numbers import has_number

_ATTEMPTS = 20
_BATCH = 500
_FIELDS = (
    "object_id", "state", "uuid", "hash", "map_id", "size_bytes", "data", "checksum", "content_type",
    "available", "is_snapshot", "expires", "modified", "modified_by", "attributes",
)  # fmt: skip

#: What was planned on must still hold, and the container's quota where more is stored.
_COUNT = """
UPDATE pithos_container SET object_count = object_count + %s, size_bytes = size_bytes + %s, modified = %s
WHERE id = %s AND project = %s AND versioning = %s
AND (quota_bytes = 0 OR %s <= 0 OR quota_bytes >= size_bytes + %s)
"""

_blank = Blank(Version)
_map_of = PreparedUpsert(HashMap, "digest", "packed", unique=1)
_path_of = PreparedUpsert(Object, "container", "name", unique=2)
_NAMES = tuple(name.removesuffix("_id") for name in _FIELDS)
_insert_version = PreparedInsert(Version, *_NAMES)
_insert_with_path = PreparedChild(_path_of, Version, *_NAMES)


@dataclasses.dataclass(frozen=True, slots=True)
class Draft:
    """A version to be. ``uuid`` is None for an object that is new; it goes by itself when it ``expires``."""

    content: Content
    content_type: str
    attributes: Attributes
    uuid: str | None = None
    expires: datetime.datetime | None = None
    available: int = 1
    is_snapshot: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """``seen`` is what was there when it was planned; no draft means that it goes."""

    container: Container
    name: str
    seen: Version | None
    draft: Draft | None

    @property
    def delta_bytes(self) -> int:
        """How much more there is then."""
        new = self.draft.content.size_bytes if self.draft else 0
        return new - (self.seen.size_bytes if self.seen else 0)

    @property
    def cost_bytes(self) -> int:
        """How much more is charged; what is replaced is given back, unless its history costs."""
        return self.delta_bytes + kept_bytes(self.container, self.seen)

    @property
    def delta_objects(self) -> int:
        return (self.draft is not None) - (self.seen is not None)

    @property
    def fills(self) -> bool:
        """Whether something comes to be where nothing was."""
        return self.seen is None and self.draft is not None

    @property
    def clears(self) -> bool:
        """Whether nothing is under the path any more that was there."""
        return self.seen is not None and self.draft is None


@dataclasses.dataclass(frozen=True, slots=True)
class Removal(Change):
    """What was seen, an object or the tombstone of one, is forgotten; ``back`` is what comes back, if any.

    If it ``stays`` it is not forgotten but one of the past, and nothing tells of a deletion.
    """

    back: Version | None = None
    stays: bool = False

    @property
    def delta_bytes(self) -> int:
        gone = self.seen.size_bytes if self.seen else 0
        return (self.back.size_bytes if self.back else 0) - gone

    @property
    def delta_objects(self) -> int:
        was_there = self.seen is not None and self.seen.state == Version.State.CURRENT
        return (self.back is not None) - was_there

    @property
    def clears(self) -> bool:
        return self.back is None

    @property
    def cost_bytes(self) -> int:
        """What comes back is charged already where history costs."""
        back = self.back.size_bytes if self.back and not settings.PITHOS_BACKEND_FREE_VERSIONING else 0
        kept = kept_bytes(self.container, self.seen) if self.stays else 0
        return self.delta_bytes - back + kept


Also = Callable[[Sequence[Version | None]], None]


def nothing_else(made: Sequence[Version | None]) -> None:
    """Most changes are of objects alone."""


class _OvertakenError(Exception):
    """Somebody changed what the plan was made on."""


def current(container: Container, name: str) -> Version | None:
    return _current.first(container.pk, name)


def _current_of(container: int, name: str) -> QuerySet[Version]:
    path = Object.objects.filter(container=container, name=name).values("pk")
    rows = Version.objects.filter(object=Subquery(path), state=Version.State.CURRENT)
    return rows.select_related("map", "object")


_current = PreparedModels(_current_of, -1, "name")


def commit(
    caller: Caller, plan: Callable[[], Sequence[Change]], *, path: str, also: Also = nothing_else
) -> list[Version | None]:
    """Carry a plan out, whole or not at all; returns the new version of each change, or its tombstone.

    All containers of a plan are one account's and charged to one project. ``plan`` may raise faults of
    its own; ``also`` is done in the same transaction, with what was made.

    Raises OverLimit, RequestTooLarge (the container's quota), Conflict (too much going on).
    """
    for _ in range(_ATTEMPTS):
        changes = plan()
        if not changes:
            return []
        try:
            return _carried_out(caller, changes, path, also)
        except (_OvertakenError, IntegrityError):  # a second version now, or what it stands on is gone
            _look_again({change.container.pk: change.container for change in changes}.values())
        except OverLimit:  # what was asked for may not be what it costs by now
            if not _is_overtaken(changes):
                raise
    raise Conflict("The object is being changed by others all the time; try again.")


def _is_overtaken(changes: Sequence[Change]) -> bool:
    seen = {change.seen.pk: change.seen.state for change in changes if change.seen}
    return seen != dict(Version.objects.filter(pk__in=seen).values_list("pk", "state"))


def _look_again(containers: Iterable[Container]) -> None:
    for container in containers:
        try:
            container.refresh_from_db(fields=("project", "versioning", "options"))
        except Container.DoesNotExist:
            raise ItemNotFound("Container does not exist") from None


def _carried_out(caller: Caller, changes: Sequence[Change], path: str, also: Also) -> list[Version | None]:
    first = changes[0].container
    delta = sum(change.cost_bytes for change in changes)
    cost = provisions_for(first.account.payer, first.project, {RESOURCE: delta})
    places, is_orderly = {change.container.pk for change in changes}, _is_orderly(changes)
    lock = Lock(locks.Kind.CONTAINER, places, alone=not is_orderly)
    with charged(cost, name=path[:255], force=delta < 0, lock=[lock]):
        kept = {change.draft.content.packed for change in changes if change.draft}
        maps = {packed: map_of(packed) for packed in sorted(kept)}
        if len(changes) > 1 and all(type(change) is Change and change.clears for change in changes):
            made = _remove_many(caller, changes)
        elif is_orderly:
            made = _put_in_order(caller, changes, maps)
        else:
            made = [_apply(caller, change, maps) for change in changes]
        also(made)
        _forget_sharing(change.seen.object_id for change in changes if change.seen and change.clears)
        for container, group in _by_container(changes):
            known.note(container.account_id, _new_digests(group))
            _count(container, group, first.project)
    return made


def _is_orderly(changes: Sequence[Change]) -> bool:
    """Whether others may change the container at the same time: they wait for each other, but in no circle.

    So it is with one path, and with new content for several in the order of their names.
    """
    if len(changes) == 1:
        return True
    names = [change.name for change in changes]
    is_put = all(change.draft is not None and type(change) is Change for change in changes)
    return is_put and names == sorted(set(names)) and len({change.container.pk for change in changes}) == 1


def _put_in_order(
    caller: Caller, changes: Sequence[Change], maps: dict[bytes, int | None]
) -> list[Version | None]:
    """What comes to empty paths first; then, path by path, what replaces something."""
    made = iter(_put_new(caller, [change for change in changes if change.fills], maps))
    return [next(made) if change.fills else _apply(caller, change, maps) for change in changes]


def _put_new(caller: Caller, changes: Sequence[Change], maps: dict[bytes, int | None]) -> list[Version]:
    """Content for paths where nothing is, all by one statement."""
    made = [_drafted(caller, change, maps) for change in changes]
    rows = [
        ((change.container.pk, change.name), _values(version)[1:])
        for change, version in zip(changes, made, strict=True)
    ]
    placed = _insert_with_path.many(rows) if rows else []
    for version, place in zip(made, placed, strict=True):
        _note_place(version, place)
    _check_none_is_younger(placed)
    return made


def _apply(caller: Caller, change: Change, maps: dict[bytes, int | None]) -> Version | None:
    """What is there must be what was seen: the row that is retired, or (by a unique index) nothing."""
    if isinstance(change, Removal):
        return _undo(change)
    if change.fills:
        return _put_new(caller, [change], maps)[0]
    made = _drafted(caller, change, maps)
    if change.seen:
        _retire(change.container, change.seen)
        made.pk = _insert_version(*_values(made))
        made._state.adding = False
    else:
        _mark(change, made)
    return made


def _mark(change: Change, tombstone: Version) -> None:
    """Tell of the deletion of nothing: it stands there for a moment itself, so that one waits for another."""
    values = [Version.State.CURRENT, *_values(tombstone)[2:]]
    place = _insert_with_path((change.container.pk, change.name), values)
    _note_place(tombstone, place)
    _check_none_is_younger([place])
    tombstone.save(update_fields=("state",))


def _note_place(version: Version, place: Child) -> None:
    version.object_id, version.pk, version._state.adding = place.parent, place.number, False


def _check_none_is_younger(placed: Sequence[Child]) -> None:
    """What comes to an empty path has its number before it waits for who is just emptying that path.

    That one's tombstone has a greater number then, though it came first. Raises _OvertakenError.
    """
    before = [one for one in placed if not one.is_first]
    if before:
        own = [one.number for one in before]
        rows = Version.objects.filter(object__in=[one.parent for one in before], pk__gt=min(own))
        if rows.exclude(pk__in=own).exists():
            raise _OvertakenError


def _drafted(caller: Caller, change: Change, maps: dict[bytes, int | None]) -> Version:
    """The version to be, or the tombstone; where there is nothing yet, without a path."""
    made = _blank(uuid="", modified_by=caller.user, modified=_later_than(change.seen))
    if change.seen:
        made.object_id = change.seen.object_id
    if change.draft is None:
        made.state = Version.State.TOMBSTONE
        made.uuid = change.seen.uuid if change.seen else ""
    else:
        _fill(made, change.draft, maps)
    return made


def _values(version: Version) -> list[object]:
    return [getattr(version, name) for name in _FIELDS]


def _remove_many(caller: Caller, changes: Sequence[Change]) -> list[Version | None]:
    """The same for objects that go: a few statements, however many they are."""
    seen = [(change.container, change.seen) for change in changes if change.seen]
    kept = [old.pk for container, old in seen if _keeps(container, old)]
    gone = [old.pk for container, old in seen if not _keeps(container, old)]
    rows = Version.objects.filter(state=Version.State.CURRENT)
    retired = rows.filter(pk__in=kept).update(state=Version.State.HISTORY) if kept else 0
    retired += rows.filter(pk__in=gone).delete()[0] if gone else 0
    if retired != len(changes):
        raise _OvertakenError
    tombstones = (
        Version(
            object_id=old.object_id, state=Version.State.TOMBSTONE, uuid=old.uuid,
            modified_by=caller.user, modified=_later_than(old),
        )
        for _, old in seen
    )  # fmt: skip
    return list(Version.objects.bulk_create(tombstones, batch_size=_BATCH))


def _undo(change: Removal) -> Version | None:
    seen, back = change.seen, change.back
    if seen:
        rows = Version.objects.filter(pk=seen.pk, state=seen.state)
        if not (rows.update(state=Version.State.HISTORY) if change.stays else rows.delete()[0]):
            raise _OvertakenError
    history = Version.objects.filter(state=Version.State.HISTORY)
    if back and not history.filter(pk=back.pk).update(state=Version.State.CURRENT):
        raise _OvertakenError
    return back


def _retire(container: Container, old: Version) -> None:
    rows = Version.objects.filter(pk=old.pk, state=Version.State.CURRENT)
    keeps = _keeps(container, old)
    retired = rows.update(state=Version.State.HISTORY) if keeps else rows.delete()[0]
    if not retired:
        raise _OvertakenError


def _keeps(container: Container, old: Version) -> bool:
    """Whether what is replaced goes into history."""
    return container.versioning == Container.Versioning.AUTO or has_number(container, old.pk)


def _forget_sharing(paths: Iterable[int]) -> None:
    """What was shared or published is not so any more when something else comes to be there."""
    gone = list(paths)
    for start in range(0, len(gone), _BATCH):
        batch = gone[start : start + _BATCH]
        Share.objects.filter(object__in=batch).delete()
        PublicLink.objects.filter(object__in=batch).delete()


def _new_digests(changes: Iterable[Change]) -> Iterator[bytes]:
    """The blocks that the changes name, but for those that were under the same path before."""
    for change in changes:
        content = change.draft.content if change.draft else None
        if content is None or content.data is not None:
            continue
        if change.seen is None or change.seen.content.packed != content.packed:
            yield from content.digests


def _by_container(changes: Sequence[Change]) -> list[tuple[Container, list[Change]]]:
    found: dict[int, list[Change]] = {}
    for change in changes:
        found.setdefault(change.container.pk, []).append(change)
    return [(group[0].container, group) for _, group in sorted(found.items())]


def _count(container: Container, changes: Sequence[Change], project: str) -> None:
    """Let the container's row follow. It comes last: what others wait for is held for a moment only."""
    size_bytes = sum(change.delta_bytes for change in changes)
    objects = sum(change.delta_objects for change in changes)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    planned = container.pk, project, container.versioning
    if run(_COUNT, [objects, size_bytes, now, *planned, size_bytes, size_bytes])[1]:
        return
    there = Container.objects.filter(pk=container.pk).first()
    if there is None or (there.project, there.versioning) != (project, container.versioning):
        raise _OvertakenError
    limit, usage = there.quota_bytes, there.size_bytes + size_bytes
    raise RequestTooLarge(f"Quota error: Container quota exceeded: limit: {limit}, usage: {usage}")


def _fill(version: Version, draft: Draft, maps: dict[bytes, int | None]) -> None:
    for domain, attributes in draft.attributes.items():
        if domain != SWIFT:  # targets and versions of its own making, within limits of their own
            check_attributes(attributes)
    version.hash, version.map_id = draft.content.hash, maps[draft.content.packed]
    version.size_bytes, version.checksum = draft.content.size_bytes, draft.content.md5
    version.data = draft.content.data
    version.content_type, version.expires = draft.content_type, draft.expires
    version.attributes = {domain: items for domain, items in draft.attributes.items() if items}
    version.uuid = draft.uuid or new_uuid()
    version.available, version.is_snapshot = draft.available, draft.is_snapshot


def map_of(packed: bytes) -> int | None:
    """The row of content's digests, made if there is none; content of one block needs none."""
    if len(packed) <= DIGEST_BYTES:
        return None
    return _map_of(HashMap.digest_of(packed), packed)


def _later_than(old: Version | None) -> datetime.datetime:
    """Now; clocks that go back do not make history run back."""
    now = timezone.now()
    return max(now, old.modified) if old else now
