"""Versions by their numbers: looked at, removed one by one, history switched on and off. As S3 has it."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.accounts import provisions_for
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, ItemNotFound
from synnefo.common.prepared import PreparedModels
from synnefo.common.transactions import atomic
from synnefo.engine.charging import charged
from synnefo.pithos.namespace import access, containers, names, numbers
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.changes import Change, Removal, commit
from synnefo.pithos.namespace.history import RESOURCE
from synnefo.pithos.namespace.models import Container, Version
from synnefo.pithos.namespace.names import Path
from synnefo.pithos.namespace.objects import Check, no_check


def switch(caller: Caller, account: str, name: str, *, on: bool) -> Container:
    """Keep history of a container from now on, or no more; what is kept stays.

    Raises Forbidden, ItemNotFound.
    """
    found = access.container(caller, account, name, Right.OWN)
    with atomic():
        container = containers.lock(found.pk)
        numbers.switch(container, Container.Versioning.AUTO if on else Container.Versioning.NONE)
        container.modified = timezone.now()
        container.save(update_fields=("options", "versioning", "modified"))
        record(caller, "container.modify", containers.TARGET, container.pk, name=name, versions=on)
    return container


def current(caller: Caller, path: Path) -> Version | None:
    """What is there, with its container, for who may read it. Raises BadRequest, Forbidden."""
    access.check(caller, path, right=Right.READ)
    return _not_over(_current.first(*path.parts))


def currents(asked: Sequence[tuple[Caller | None, Path]]) -> list[Version | None]:
    """The same of many, by one query; None, too, where it is not ``is_own``."""

    def look(paths: Sequence[Path]) -> Sequence[Version | None]:
        return _current.each([path.parts for path in paths])

    return [_not_over(found) for found in access.of_own(asked, Right.READ, look)]


def _not_over(found: Version | None) -> Version | None:
    return None if found is None or found.is_over else found


def _versions_named(account: str, container: str, name: str) -> QuerySet[Version]:
    return access.currents_named(account, container, name).select_related("object__container")


_current = PreparedModels(_versions_named, "account", "container", "name")


def of_path(container: Container, name: str) -> QuerySet[Version]:
    """All versions and tombstones of a path, youngest first."""
    rows = Version.objects.filter(object__container=container, object__name=name)
    return rows.select_related("map", "object__container").order_by("-pk")


def find(container: Container, name: str, number: int | None) -> Version:
    """A version or tombstone by its number; None means the one without. Raises ItemNotFound."""
    rows = of_path(container, name)
    if number is not None:
        row = rows.filter(pk=number).first() if number < 2**63 else None
        if row is not None and is_numbered(container, row):
            return row
    else:
        for row in rows:
            if not is_numbered(container, row) and is_shown(container, row):
                return row
    raise ItemNotFound("Version does not exist")


def is_numbered(container: Container, version: Version) -> bool:
    is_past = version.state != Version.State.CURRENT
    return numbers.is_numbered(container, version.pk, is_past=is_past)


def is_shown(container: Container, version: Version) -> bool:
    """Tombstones mean something only where history is kept, or was."""
    return version.state != Version.State.TOMBSTONE or numbers.was_switched(container)


def delete(
    caller: Caller, container: Container, paths: Sequence[str], check: Check = no_check
) -> list[Version | None]:
    """Remove what is there; returns the tombstones, None where none is left behind.

    Where history is kept even what is not there leaves one. Raises what ``check`` raises.
    """
    for name in paths:
        names.check_object(name)

    def plan() -> list[Change]:
        rows = Version.objects.filter(object__container=container, object__name__in=paths)
        rows = rows.filter(state=Version.State.CURRENT).select_related("map", "object")
        there = {one.object.name: one for one in rows}
        for name in paths:
            check(there.get(name))
        if numbers.was_switched(container):
            return [Change(container, name, there.get(name), None) for name in paths]
        return [Removal(container, name, one, None) for name, one in there.items()]

    made = commit(caller, plan, path=f"{container.account.name}/{container.name}")
    if not numbers.was_switched(container):
        return [None] * len(paths)
    _forget_replaced(container, paths)
    return made


def forget_replaced(container: Container, name: str) -> None:
    """Of versions without a number a path has one: the youngest."""
    if container.versioning == Container.Versioning.NONE and numbers.was_switched(container):
        _forget_replaced(container, [name])


def remove(caller: Caller, path: Path, number: int | None, *, brings_back: bool = True) -> Version:
    """Forget one version or tombstone for good; if it was what is there, what was before comes back.

    Without ``brings_back`` nothing is there then.

    Raises Forbidden, ItemNotFound, Conflict.
    """
    container = access.object(caller, path, Right.DELETE)
    wanted = find(container, path.name, number)
    is_there = wanted.state == Version.State.CURRENT
    if wanted.state == Version.State.HISTORY or not (is_there or _is_youngest(wanted)):
        _forget(container, wanted)
        return wanted

    def plan() -> list[Change]:
        row = find(container, path.name, number)
        if row.pk != wanted.pk or not _is_youngest(row):
            raise Conflict("The version is being changed by others; try again.")
        before = of_path(container, path.name).filter(pk__lt=row.pk).first()
        comes_back = brings_back and before is not None and before.state == Version.State.HISTORY
        back = before if comes_back else None
        return [Removal(container, path.name, row, None, back)]

    commit(caller, plan, path=str(path))
    return wanted


def put_away(caller: Caller, container: Container, path: Path) -> None:
    """Make an object one of the past without a mark of its deletion. Raises ItemNotFound.

    ``container`` is one that he may delete in and that keeps what has a number.
    """

    def plan() -> list[Change]:
        there = of_path(container, path.name).filter(state=Version.State.CURRENT).first()
        if there is None:
            raise ItemNotFound("Object does not exist")
        return [Removal(container, path.name, there, None, stays=True)]

    commit(caller, plan, path=str(path))


def _is_youngest(version: Version) -> bool:
    return not Version.objects.filter(object=version.object_id, pk__gt=version.pk).exists()


def _forget(container: Container, version: Version) -> None:
    """Forget a version of the past, and give back what it costs."""
    cost = 0 if settings.PITHOS_BACKEND_FREE_VERSIONING else version.size_bytes
    given_back = provisions_for(container.account.payer, container.project, {RESOURCE: -cost})
    with charged(given_back, name=f"{container.account.name}/{container.name}"[:255], force=True):
        containers.lock(container.pk)
        if not Version.objects.filter(pk=version.pk, state=version.state).delete()[0]:
            raise Conflict("The version is being changed by others; try again.")


def _forget_replaced(container: Container, paths: Sequence[str]) -> None:
    if container.versioning == Container.Versioning.AUTO:
        return
    for name in paths:
        plain = [row for row in of_path(container, name) if not is_numbered(container, row)]
        for row in plain[1:]:
            _forget(container, row)
