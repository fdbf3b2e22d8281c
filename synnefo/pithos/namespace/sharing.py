"""Sharing: with whom a path is shared, who shares with somebody, and what.

Shares belong to the path, not to versions: they stay when it is overwritten and go when it is deleted or
moved. Only people of the account change them. What they give is decided in ``access``.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import F, Max, QuerySet
from django.db.models.functions import Coalesce, Greatest

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.pithos.namespace import access, attached
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.changes import Also
from synnefo.pithos.namespace.models import Account, Container, Share, Version
from synnefo.pithos.namespace.names import Path, check_characters

TARGET = "object"
MOST_SHARES = 256
_LONGEST = 514

#: With whom, and whether he may write.
Shares = Mapping[str, bool]


class Shown(NamedTuple):
    """The shares that count for a path. ``folder`` is the path that has them, if it is another one.

    ``allowed`` is what they give to the caller, None for people of the account.
    """

    shares: Shares
    folder: str
    allowed: Right | None


class Sharer(NamedTuple):
    name: str
    modified: datetime.datetime


def wish(caller: Caller, path: Path, shares: Shares, *, everybody: bool | None = None) -> Also:
    """To share a path with these, and nobody else; ``everybody`` is whether whoever comes may read it.

    None leaves that as it is. Raises Forbidden, BadRequest, ItemNotFound (the container).
    """
    _check(shares)
    access.object(caller, path, Right.OWN)
    told: dict[str, Any] = {} if everybody is None else {"everybody": everybody}

    def also(made: Sequence[Version | None]) -> None:
        key, uuid = attached.path_of(made)
        Share.objects.filter(object=key).exclude(who=Share.EVERYBODY).delete()
        rows = [Share(object_id=key, who=who, write=write) for who, write in sorted(shares.items())]
        Share.objects.bulk_create(rows)
        if everybody is not None:
            _open(key, everybody)
        record(caller, "object.share", TARGET, uuid, path=str(path), shares=dict(shares), **told)

    return also


def replace(caller: Caller, path: Path, shares: Shares, *, everybody: bool | None = None) -> None:
    """Do so with what is there. Raises Forbidden, BadRequest, ItemNotFound, Conflict."""
    also = wish(caller, path, shares, everybody=everybody)
    attached.beside(access.object(caller, path, Right.OWN), path.name, also)


def open_to_everybody(caller: Caller, path: Path, is_open: bool) -> None:
    """Let whoever comes read this path (not what is below), or no more. Raises Forbidden, ItemNotFound."""

    def also(made: Sequence[Version | None]) -> None:
        key, uuid = attached.path_of(made)
        _open(key, is_open)
        record(caller, "object.share", TARGET, uuid, path=str(path), everybody=is_open)

    attached.beside(access.object(caller, path, Right.OWN), path.name, also)


def _open(key: int, is_open: bool) -> None:
    if is_open:
        Share.objects.get_or_create(object_id=key, who=Share.EVERYBODY)
    else:
        Share.objects.filter(object=key, who=Share.EVERYBODY).delete()


def is_open_to_everybody(version: Version) -> bool:
    return Share.objects.filter(object=version.object_id, who=Share.EVERYBODY).exists()


def shown(caller: Caller, path: Path, version: Version) -> Shown | None:
    """What is told about the sharing of an object that the caller reads; None if it is not shared."""
    found = access.sharing(version.object.container_id, path.name)
    if not found.who:
        return None
    people = path.account in access.names_of(caller)
    allowed = None if people else access.shared_right(caller, found.who)
    if not people and allowed is None:
        return None
    folder = found.of if found.of != path.name else ""
    return Shown(found.who, str(path.beside(folder)) if folder else "", allowed)


def between(container: Container, names: Sequence[str]) -> dict[str, dict[str, bool]]:
    """The shares of those of the names (which are in order) that have any of their own."""
    if not names:
        return {}
    first, last = min(names[0], names[-1]), max(names[0], names[-1])
    rows = Share.objects.filter(object__container=container, object__name__range=(first, last))
    found: dict[str, dict[str, bool]] = {}
    rows = rows.exclude(who=Share.EVERYBODY).order_by("pk")
    for name, who, write in rows.values_list("object__name", "who", "write"):
        found.setdefault(name, {})[who] = write
    return found


def sharers(caller: Caller, *, marker: str, limit: int) -> list[Sharer]:
    """Others' accounts in which something is shared with the caller, by name."""
    check_characters(marker)
    rows = Account.objects.filter(pk__in=_with(caller).values("object__container__account"))
    rows = rows.exclude(name__in=access.names_of(caller)).filter(name__gt=marker).order_by("name")
    return _dated(rows, limit)


def sharer(caller: Caller, name: str) -> Sharer:
    """One of these. Raises Forbidden."""
    check_characters(name)
    rows = Account.objects.filter(pk__in=_with(caller).values("object__container__account"), name=name)
    found = _dated(rows, 1)
    if not found:
        raise Forbidden("User does not have read access to the account")
    return found[0]


def containers_shared(caller: Caller, name: str) -> QuerySet[Container]:
    """The containers of another's account in which something is shared with the caller, by name."""
    shares = _with(caller).filter(object__container__account__name=name)
    return Container.objects.filter(pk__in=shares.values("object__container")).order_by("name")


def _with(caller: Caller) -> QuerySet[Share]:
    return Share.objects.filter(who__in=access.known_as(caller))


def _dated(rows: QuerySet[Account], limit: int) -> list[Sharer]:
    """With the time of the last change of a container, or of the account itself."""
    latest = Greatest(Coalesce(Max("containers__modified"), F("modified")), F("modified"))
    return [Sharer(*row) for row in rows.annotate(latest=latest).values_list("name", "latest")[:limit]]


def _check(shares: Shares) -> None:
    if len(shares) > MOST_SHARES:
        raise BadRequest(f"A path is shared with {MOST_SHARES} users and groups at most.")
    for who in shares:
        if not who or len(who) > _LONGEST or who == Share.EVERYBODY:
            raise BadRequest("Paths are shared with users, groups, or * for all who are signed in.")
        check_characters(who)
