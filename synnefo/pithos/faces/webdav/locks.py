"""Locks between clients of this face, kept in the database: which hold for a place, who shows their tokens.

They bind nobody who comes by another face. One that is over counts no more, and is removed when others are
made beside it.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable

from django.db.models import Q, QuerySet
from django.utils import timezone

from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, Forbidden, Locked, PreconditionFailed
from synnefo.common.transactions import atomic
from synnefo.pithos.faces.webdav.kit import NO_CONFLICT, OWN_TOKEN
from synnefo.pithos.faces.webdav.models import DavLock
from synnefo.pithos.namespace import containers
from synnefo.pithos.namespace.models import Container
from synnefo.pithos.namespace.names import behind

MOST_S = 24 * 3600
_MOST_OWNER = 4096


def over(container: Container, name: str) -> list[DavLock]:
    """The locks that hold for a place: its own, and the deep ones above it."""
    return list(_live(container).filter(Q(name=name) | Q(name__in=_above(name), is_deep=True)))


def around(container: Container, folder: str) -> list[DavLock]:
    """All that may hold for a folder and what is in it, in one query; ``holds`` tells which do."""
    return list(_live(container).filter(_below(folder) | Q(name__in=[*_above(folder), folder])))


def holds(lock: DavLock, name: str) -> bool:
    """Whether it holds for a place in its container."""
    return lock.name == name or (lock.is_deep and _is_above(lock.name, name))


def require(
    caller: Caller, tokens: Collection[str], container: Container, name: str, *, deep: bool = False,
    member: bool = False,
) -> None:  # fmt: skip
    """For a change of a place; ``deep``: of all below it; ``member``: it comes or goes in its folder.

    Raises Locked if a lock holds whose token is not among those that are shown, or that is another's.
    """
    wanted = Q(name=name) | Q(name__in=_above(name), is_deep=True)
    if member and name:
        wanted |= Q(name=name.rpartition("/")[0])
    if deep:
        wanted |= _below(name)
    found = list(_live(container).filter(wanted))
    shown = [lock for lock in found if lock.token in tokens and lock.user == caller.user]
    for lock in found:
        if lock not in shown and not (lock.is_shared and any(own.is_shared for own in shown)):
            raise Locked(f"It is locked: {lock.name or container.name}")


def take(
    caller: Caller, container: Container, name: str, *, is_shared: bool, is_deep: bool, owner: str,
    timeout_s: int,
) -> DavLock:  # fmt: skip
    """A new lock. Raises Locked if another one stands against it."""
    now = timezone.now()
    with atomic():
        containers.lock(container.pk)
        DavLock.objects.filter(container=container, expires__lte=now).delete()
        against = Q(name=name) | Q(name__in=_above(name), is_deep=True)
        if is_deep:
            against |= _below(name)
        rows = DavLock.objects.filter(against, container=container)
        if (rows.filter(is_shared=False) if is_shared else rows).exists():
            raise Locked("Somebody else has locked it.", details=NO_CONFLICT)
        return DavLock.objects.create(
            container=container, name=name, user=caller.user, is_shared=is_shared, is_deep=is_deep,
            owner=owner[:_MOST_OWNER], timeout_s=timeout_s, expires=_end(now, timeout_s),
        )  # fmt: skip


def refresh(
    caller: Caller, tokens: Iterable[str], container: Container, name: str, timeout_s: int
) -> DavLock:
    """Begin the time of a lock anew. Raises PreconditionFailed if none of the tokens is of one here."""
    for lock in over(container, name):
        if lock.token in tokens and lock.user == caller.user:
            lock.timeout_s, lock.expires = timeout_s, _end(timezone.now(), timeout_s)
            lock.save(update_fields=("timeout_s", "expires"))
            return lock
    raise PreconditionFailed("There is no such lock here.", details=OWN_TOKEN)


def release(caller: Caller, token: str, container: Container, name: str) -> None:
    """Raises Conflict (there is no such lock here), Forbidden (it is another's)."""
    lock = next((lock for lock in over(container, name) if lock.token == token), None)
    if lock is None:
        raise Conflict("There is no such lock here.", details=OWN_TOKEN)
    if lock.user != caller.user:
        raise Forbidden("The lock is another's.", details=OWN_TOKEN)
    lock.delete()


def forget(container: Container, name: str) -> None:
    """What is gone is not locked any more."""
    DavLock.objects.filter(Q(name=name) | _below(name), container=container).delete()


def _live(container: Container) -> QuerySet[DavLock]:
    return DavLock.objects.filter(container=container, expires__gt=timezone.now()).order_by("pk")


def _end(now: datetime.datetime, timeout_s: int) -> datetime.datetime:
    return now + datetime.timedelta(seconds=timeout_s)


def _above(name: str) -> list[str]:
    """The folders that it is in, from the container down; the container is in none."""
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts))] if name else []


def _is_above(folder: str, name: str) -> bool:
    return name != folder and (not folder or name.startswith(f"{folder}/"))


def _below(folder: str) -> Q:
    return Q(name__gt=f"{folder}/", name__lt=behind(f"{folder}/")) if folder else ~Q(name="")
