"""Changing objects: one short transaction for any number of paths, charged, under the containers' locks.

What is to happen is planned on what is there now, without locks; the plan says what it has seen. Under
the locks every path is looked at again, and if somebody was faster, the plan is made anew. So quota can be
asked for before locks are taken, wherever Astakos is.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence

from django.utils import timezone

from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, RequestTooLarge
from synnefo.common.ids import new_uuid
from synnefo.engine.charging import charging, decide
from synnefo.pithos.blocks.content import Content
from synnefo.pithos.blocks.hashing import DIGEST_BYTES
from synnefo.pithos.namespace.containers import RESOURCE, lock
from synnefo.pithos.namespace.models import Attributes, Container, HashMap, Object, Version
from synnefo.pithos.namespace.names import check_attributes

_ATTEMPTS = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Draft:
    """A version to be. ``uuid`` is None for an object that is new."""

    content: Content
    content_type: str
    attributes: Attributes
    uuid: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """``seen`` is what was there when it was planned; no draft means that it goes."""

    container: Container
    name: str
    seen: Version | None
    draft: Draft | None

    @property
    def delta_bytes(self) -> int:
        """History is free: what is replaced is given back at once."""
        new = self.draft.content.size_bytes if self.draft else 0
        return new - (self.seen.size_bytes if self.seen else 0)


class _OvertakenError(Exception):
    """Somebody changed what the plan was made on."""


def current(container: Container, name: str) -> Version | None:
    rows = Version.objects.filter(object__container=container, object__name=name)
    return rows.filter(state=Version.State.CURRENT).select_related("map", "object").first()


def commit(caller: Caller, plan: Callable[[], Sequence[Change]], *, path: str) -> list[Version | None]:
    """Carry a plan out, whole or not at all; returns the new version of each change, None where it went.

    All containers of a plan are one account's and charged to one project. ``plan`` may raise faults of
    its own. Raises OverLimit, RequestTooLarge (the container's quota), Conflict (too much going on).
    """
    for _ in range(_ATTEMPTS):
        changes = plan()
        if not changes:
            return []
        try:
            return _carried_out(caller, changes, path)
        except _OvertakenError:
            continue
    raise Conflict("The object is being changed by others all the time; try again.")


def _carried_out(caller: Caller, changes: Sequence[Change], path: str) -> list[Version | None]:
    first = changes[0].container
    delta = sum(change.delta_bytes for change in changes)
    maps = {change.draft.content.packed: None for change in changes if change.draft}
    kept = {packed: _map(packed) for packed in maps}
    with charging(
        first.account.payer, first.project, {RESOURCE: delta}, name=path[:255], force=delta < 0
    ) as serial:
        locked = {key: lock(key) for key in sorted({change.container.pk for change in changes})}
        if any(row.project != first.project for row in locked.values()):
            raise _OvertakenError
        made = [_apply(caller, locked[change.container.pk], change, kept) for change in changes]
        for row in locked.values():
            if 0 < row.quota_bytes < row.size_bytes and delta > 0:
                raise RequestTooLarge("The container's quota does not allow it.")
            row.modified = timezone.now()
            row.save(update_fields=("object_count", "size_bytes", "modified"))
        decide(serial, accept=True)
    return made


def _apply(
    caller: Caller, container: Container, change: Change, maps: dict[bytes, HashMap | None]
) -> Version | None:
    path, created = Object.objects.get_or_create(container=container, name=change.name)
    there = None if created else _number(path)
    if there != (change.seen.pk if change.seen else None):
        raise _OvertakenError
    _retire(container, change.seen)
    container.size_bytes += change.delta_bytes
    container.object_count += (change.draft is not None) - (change.seen is not None)
    made = Version(object=path, modified_by=caller.user, modified=_later_than(change.seen))
    if change.draft is None:
        made.state = Version.State.TOMBSTONE
        made.uuid = change.seen.uuid if change.seen else ""
        made.save()
    else:
        _fill(made, change.draft, maps)
        made.save()
    return made if change.draft else None


def _number(path: Object) -> int | None:
    rows = Version.objects.filter(object=path, state=Version.State.CURRENT)
    return rows.values_list("pk", flat=True).first()


def _retire(container: Container, old: Version | None) -> None:
    if old is None:
        return
    rows = Version.objects.filter(pk=old.pk)
    if container.versioning == Container.Versioning.AUTO:
        rows.update(state=Version.State.HISTORY)
    else:
        rows.delete()


def _fill(version: Version, draft: Draft, maps: dict[bytes, HashMap | None]) -> None:
    for attributes in draft.attributes.values():
        check_attributes(attributes)
    version.hash, version.map = draft.content.hash, maps[draft.content.packed]
    version.size_bytes, version.checksum = draft.content.size_bytes, draft.content.md5
    version.content_type = draft.content_type
    version.attributes = {domain: items for domain, items in draft.attributes.items() if items}
    version.uuid = draft.uuid or new_uuid()


def _map(packed: bytes) -> HashMap | None:
    """The row of content's digests; content of one block needs none."""
    if len(packed) <= DIGEST_BYTES:
        return None
    row, _ = HashMap.objects.get_or_create(digest=HashMap.digest_of(packed), defaults={"packed": packed})
    return row


def _later_than(old: Version | None) -> datetime.datetime:
    """Now; clocks that go back do not make history run back."""
    now = timezone.now()
    return max(now, old.modified) if old else now
