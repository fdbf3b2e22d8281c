"""Who may do what: the one door to accounts, containers and objects.

Somebody may because he is of the account (its user, or a member of its project by his roles), because the
container's access lists name him, or because the path, or a folder above it, is shared with him. For people
of the account all is decided without asking the database. What is refused is refused in one way, whether it
is there or not; which status clients see is the faces' affair.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound
from synnefo.common.prepared import Prepared, PreparedModels, PreparedPair
from synnefo.pithos.namespace import acl, names
from synnefo.pithos.namespace.acl import Access
from synnefo.pithos.namespace.models import Account, Container, GroupMember, Object, Share, Version
from synnefo.pithos.namespace.names import FOLDER_TYPES, Path

F = TypeVar("F")

#: Whoever is signed in.
SIGNED_IN = "*"
#: Who has none of these roles in a project reads only.
_WRITERS = frozenset({"member", "manager", "admin"})


class Right(enum.Enum):
    """``LIST`` is to see all that is in a place, ``OWN`` what nothing shared gives: settings, shares."""

    LIST = enum.auto()
    READ = enum.auto()
    WRITE = enum.auto()
    DELETE = enum.auto()
    OWN = enum.auto()


_CHANGES = frozenset({Right.WRITE, Right.DELETE, Right.OWN})
#: What a container's access lists give.
_LISTS = {
    Right.LIST: Access.LIST,
    Right.READ: Access.READ,
    Right.WRITE: Access.WRITE,
    Right.DELETE: Access.WRITE,
    Right.OWN: Access.NONE,
}


class Sharing(NamedTuple):
    """The shares that count for a path: those of the path ``of`` it. ``who`` says of each if he may write."""

    of: str
    who: Mapping[str, bool]


def names_of(caller: Caller) -> frozenset[str]:
    """The accounts whose person he is; what is shared with their names is shared with him.

    In owner scope his own and those of all his projects, in project scope that of the project he works in.
    """
    own = {caller.project} if caller.scope is Scope.PROJECT else {caller.user, *caller.projects}
    return frozenset(own - {""})


def may_change(caller: Caller) -> bool:
    """Whether his roles let him change anything."""
    return not _WRITERS.isdisjoint(caller.roles)


def account(caller: Caller, *owners: str, right: Right = Right.LIST, refusal: str = "") -> None:
    """Raises Forbidden for what is another's, or nobody's: one cannot tell which."""
    if not all(_is_of(caller, owner, right) for owner in owners):
        kind = "write" if right in _CHANGES else "read"
        raise Forbidden(refusal or f"User does not have {kind} access to the account")


def container(caller: Caller, owner: str, name: str, right: Right) -> Container:
    """Raises BadRequest, Forbidden, ItemNotFound (to people of the account)."""
    names.check_container(name)
    names.check_characters(owner)
    found = _containers.first(owner, name)
    if _is_of(caller, owner, right):
        return _there(found)
    if found is None or not _is_listed(caller, found, right):
        kind = "write" if right in _CHANGES else "read"
        raise Forbidden(f"User does not have {kind} access to the container")
    return found


def object(caller: Caller, path: Path, right: Right) -> Container:
    """The container of a path that need not be there. Raises as ``container`` does."""
    names.check_object(path.name)
    if not _is_of(caller, path.account, right):
        return _for_another(caller, path, right)
    names.check_container(path.container)
    return _there(_containers.first(path.account, path.container))


def object_and_current(caller: Caller, path: Path, right: Right) -> tuple[Container, Version | None]:
    """The same, and what is there now: for people of the account by one query."""
    names.check_object(path.name)
    if not _is_of(caller, path.account, right):
        container = _for_another(caller, path, right)
        return container, _currents.first(path.account, path.container, path.name)
    names.check_container(path.container)
    here = path.account, path.container
    found = _containers_and_currents(here, (*here, path.name))
    return found or (_there(None), None)


def objects_and_currents(
    asked: Sequence[tuple[Caller | None, Path]], right: Right
) -> list[tuple[Container, Version | None] | None]:
    """The same of many, by one query; None where it is not ``is_own`` or has no container."""

    def look(paths: Sequence[Path]) -> Sequence[tuple[Container, Version | None] | None]:
        return _containers_and_currents.each([(path.parts[:2], path.parts) for path in paths])

    return of_own(asked, right, look)


def of_own(
    asked: Sequence[tuple[Caller | None, Path]], right: Right,
    look: Callable[[Sequence[Path]], Sequence[F | None]],
) -> list[F | None]:  # fmt: skip
    """What ``look`` finds of those paths that are ``is_own``; None for others, of which it is not asked."""
    mays = [caller is not None and is_own(caller, path, right) for caller, path in asked]
    paths = [path for (_, path), may in zip(asked, mays, strict=True) if may]
    found = iter(look(paths) if paths else ())
    return [next(found) if may else None for may in mays]


def may(caller: Caller, path: Path, right: Right) -> bool:
    """The same as a question. Raises BadRequest."""
    try:
        check(caller, path, right=right)
    except Forbidden:
        return False
    return True


def in_all_of(caller: Caller, found: Container, right: Right) -> bool:
    """Whether he has the right to whatever is in a container, and will be."""
    return _is_of(caller, found.account.name, right) or _is_listed(caller, found, right)


def check(caller: Caller, *paths: Path, right: Right) -> None:
    """The same for those who need no container. Raises BadRequest, Forbidden."""
    for path in paths:
        names.check_object(path.name)
        if not _is_of(caller, path.account, right):
            _for_another(caller, path, right)


def is_own(caller: Caller, path: Path, right: Right) -> bool:
    """Whether he may as one of the account's people, for which nobody is asked; others may, too."""
    try:
        names.check_object(path.name)
        names.check_container(path.container)
    except BadRequest:
        return False
    return _is_of(caller, path.account, right)


def sharing(found: int, name: str) -> Sharing:
    """The shares that count for a path in a container (its number): its own, else the nearest folder's.

    Of folders that have any the nearest counts alone, even if it gives less than one further up.
    """
    places = places_above(name)
    shares: dict[str, dict[str, bool]] = {}
    for place, who, write in _shares_at(len(places))(found, *places):
        shares.setdefault(place, {})[who] = write
    nearest = max(shares, key=len, default="")
    return Sharing(nearest, shares.get(nearest, {}))


def is_folder(path: str = "object") -> Exists:
    """Whether an object is a folder now; ``path`` leads to it."""
    rows = Version.objects.filter(object=OuterRef(path), state=Version.State.CURRENT)
    kinds = Q(content_type__in=FOLDER_TYPES)
    for kind in FOLDER_TYPES:
        kinds |= Q(content_type__startswith=f"{kind};") | Q(content_type__startswith=f"{kind} ;")
    return Exists(rows.filter(kinds))


def seen_attributes(caller: Caller, owner: str, attributes: Mapping[str, str]) -> Mapping[str, str]:
    """The metadata of an account, or of a container in it, that he may see who may see some of it."""
    return attributes if _is_of(caller, owner, Right.OWN) else names.without_secrets(attributes)


def known_as(caller: Caller) -> frozenset[str]:
    """All that shares may name to mean him: his accounts, whoever is signed in, groups that he is in."""
    if not caller.user:
        return frozenset()
    return frozenset({SIGNED_IN, *names_of(caller), *_groups_of(caller)})


def shared_right(caller: Caller, shares: Mapping[str, bool]) -> Right | None:
    """The most that these shares give: ``WRITE``, ``READ`` or nothing."""
    if not caller.user:
        return None
    mine = {SIGNED_IN, *names_of(caller)} & shares.keys()
    if not any(shares[who] for who in mine) and any(":" in who for who in shares):
        mine |= _groups_of(caller) & shares.keys()
    if not mine:
        return None
    return Right.WRITE if may_change(caller) and any(shares[who] for who in mine) else Right.READ


def _is_of(caller: Caller, owner: str, right: Right) -> bool:
    return owner in names_of(caller) and (right not in _CHANGES or may_change(caller))


def _is_listed(caller: Caller, found: Container, right: Right) -> bool:
    lists = found.options.get("acl")
    if not lists or (caller.user and right in _CHANGES and not may_change(caller)):
        return False
    return bool(acl.given(lists, caller, found.account.name) & _LISTS[right])


def _for_another(caller: Caller, path: Path, right: Right) -> Container:
    """The container of a path in somebody else's account. Raises Forbidden."""
    names.check_characters(path.account + path.container)
    found = _containers.first(path.account, path.container)
    if found is None or not (_is_listed(caller, found, right) or _is_shared(caller, found, path.name, right)):
        reads = found is not None and right in _CHANGES and _is_shared(caller, found, path.name, Right.READ)
        raise Forbidden(f"User does not have {'write ' if reads else ''}access to the object")
    return found


def _is_shared(caller: Caller, found: Container, name: str, right: Right) -> bool:
    if right not in (Right.READ, Right.WRITE):
        return False
    given = shared_right(caller, sharing(found.pk, name).who)
    if given is not None and right in (Right.READ, given):
        return True
    everybody = Share.objects.filter(object__container=found, object__name=name, who=Share.EVERYBODY)
    return right is Right.READ and everybody.exists()


def places_above(name: str) -> list[str]:
    """The path, and each that may be a folder it is in, with and without a slash at its end."""
    parts = name.rstrip("/").split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return [name, *(place for one in above for place in (one, f"{one}/") if name.startswith(place))]


@functools.lru_cache(maxsize=64)
def _shares_at(count: int) -> Prepared:
    """The shares of so many paths of a container that count for the first of them."""

    def build(found: int, name: str, *above: str) -> QuerySet[Any, Any]:
        rows = Share.objects.filter(object__container=found, object__name__in=[name, *above])
        rows = rows.filter(Q(object__name=name) | Q(is_folder())).exclude(who=Share.EVERYBODY)
        return rows.order_by("pk").values_list("object__name", "who", "write")

    return Prepared(build, -1, *(f"path {number}" for number in range(count)))


def _groups_of(caller: Caller) -> set[str]:
    rows = GroupMember.objects.filter(user__in=names_of(caller))
    return {f"{owner}:{name}" for owner, name in rows.values_list("group__account__name", "group__name")}


def _there(found: Container | None) -> Container:
    if found is None:
        raise ItemNotFound("Container does not exist")
    return found


def _containers_named(owner: str, name: str) -> QuerySet[Container]:
    account = Account.objects.filter(name=owner).values("pk")
    return Container.objects.select_related("account").filter(account=Subquery(account), name=name)


def currents_named(account: str, container: str, name: str) -> QuerySet[Version]:
    """What is there now, to be prepared; who asks must have the right to it.

    Each table is asked by a key that is whole: joined by names, what is planned before the tables have been
    looked at (a plan is kept, and may be older than most objects) may read all objects for one.
    """
    place = _containers_named(account, container).values("pk")
    path = Object.objects.filter(container=Subquery(place), name=name).values("pk")
    rows = Version.objects.filter(object=Subquery(path), state=Version.State.CURRENT)
    return rows.select_related("map", "object")


_containers = PreparedModels(_containers_named, "owner", "name")
_currents = PreparedModels(currents_named, "account", "container", "name")
_containers_and_currents = PreparedPair(_containers, _currents)
