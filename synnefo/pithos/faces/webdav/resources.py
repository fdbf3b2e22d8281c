"""What stands at a place: a folder or a file, and what is in a folder. A fixed number of queries each."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from typing import cast

from django.conf import settings

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden, InsufficientStorage, ItemNotFound
from synnefo.pithos.blocks.content import Content
from synnefo.pithos.faces import wholes
from synnefo.pithos.faces.webdav.places import PROJECTS, SHARED, Place
from synnefo.pithos.namespace import access, browsing, containers, listing, names, sharing, sights
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.changes import current
from synnefo.pithos.namespace.listing import Listed, Rolled, Wanted
from synnefo.pithos.namespace.models import Attributes, Container, Version
from synnefo.pithos.namespace.sights import Sight

#: The domain of attributes that clients of this face set.
DOMAIN = "dav"
#: A time of its own that a client gave the content, in seconds, and the hash of that content.
MTIME, MTIME_OF = "mtime", "mtime-of"

_MOST_MEMBERS = 100_000
_NO_TIME = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class Resource:
    """A folder, or a file. ``version`` is the object that it is; implied folders have none.

    ``sight`` is what the caller sees in it; None stands for all.
    """

    place: Place
    is_folder: bool
    container: Container | None = None
    version: Version | Listed | None = None
    sight: Sight | None = None

    @property
    def modified(self) -> datetime.datetime:
        """Of a folder that names imply: when anything changed in its container."""
        if self.version is not None:
            return _given_time(self.version) or self.version.modified
        return self.container.modified if self.container else _NO_TIME

    @property
    def etag(self) -> str:
        """In quotes; folders have none."""
        if self.is_folder or self.version is None:
            return ""
        return f'"{wholes.etag_of(cast("Version", self.version))}"'

    @property
    def own(self) -> dict[str, str]:
        """What clients of this face have set."""
        return {} if self.version is None else self.version.attributes.get(DOMAIN, {})


def find(caller: Caller, place: Place) -> Resource | None:
    """What is there for who may see it, or None. Raises Forbidden, ItemNotFound (no such container)."""
    if not place.container:
        if place.account and not _is_shared(place):
            access.account(caller, place.account)
        return Resource(place, is_folder=True)
    container, sight = _look(caller, place)
    if not place.name:
        return Resource(place, True, container, sight=sight)
    if sight is None or sight.right(place.name) is not None:
        found = in_container(container, place)
        return None if found is None else dataclasses.replace(found, sight=sight)
    if sight.reaches(f"{place.name}/"):
        return Resource(place, True, container, sight=sight)
    raise Forbidden("User does not have access to the object")


def in_container(container: Container, place: Place) -> Resource | None:
    """The same for a name in a container."""
    version = current(container, place.name)
    if browsing.is_folder(version):
        return Resource(place, True, container, version)
    inside = f"{place.name}/"
    rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
    if rows.filter(object__name__gte=inside, object__name__lt=names.behind(inside)).exists():
        return Resource(place, True, container)
    return None if version is None else Resource(place, False, container, version)


def get(caller: Caller, place: Place) -> Resource:
    """Raises Forbidden, ItemNotFound."""
    found = find(caller, place)
    if found is None:
        raise ItemNotFound("There is no such file or folder.")
    return found


def members(caller: Caller, folder: Resource) -> Iterator[Resource]:
    """What is in a folder, by name. Raises Forbidden, InsufficientStorage if that is too much to list."""
    place = folder.place
    if folder.container is not None:
        yield from _in_folder(folder.container, folder)
    elif place.account and _is_shared(place):
        for container in sharing.containers_shared(caller, place.account):
            yield Resource(_below(place, container.name, place.account, container.name), True, container)
    elif place.account:
        for container in containers.containers_for(caller, place.account):
            if place.path or container.name not in (PROJECTS, SHARED):
                yield Resource(_below(place, container.name, place.account, container.name), True, container)
        if not place.path:
            yield from (Resource(Place(name), is_folder=True) for name in (PROJECTS, SHARED))
    else:
        for account in _accounts(caller, place):
            yield Resource(_below(place, account, account), is_folder=True)


def title(resource: Resource, known: dict[str, str]) -> str:
    """What people call it; ``known`` are names of accounts."""
    leaf = resource.place.leaf
    return known.get(leaf, leaf)


def names_of_accounts(found: list[Resource]) -> dict[str, str]:
    """Of the accounts among them."""
    wanted = {one.place.account for one in found if one.place.path and not one.place.container}
    return accounts().names(wanted - {""}) if wanted - {""} else {}


def _accounts(caller: Caller, place: Place) -> list[str]:
    if place.path == PROJECTS:
        return sorted(access.names_of(caller))
    return [one.name for one in sharing.sharers(caller, marker="", limit=_MOST_MEMBERS)]


def _is_shared(place: Place) -> bool:
    return place.path.startswith(f"{SHARED}/")


def _look(caller: Caller, place: Place) -> tuple[Container, Sight | None]:
    """The container, and what the caller sees of it; that may be one object alone."""
    if place.name:
        names.check_object(place.name)
    try:
        return sights.look(caller, place.account, place.container)
    except Forbidden:
        if not place.name:
            raise
        container = access.object(caller, place.at(), Right.READ)
        return container, Sight({place.name: sights.Place(Right.READ, is_folder=False)})


def _below(place: Place, leaf: str, account: str, container: str = "") -> Place:
    return Place(f"{place.path}/{leaf}".lstrip("/"), account, container)


def _in_folder(container: Container, folder: Resource) -> Iterator[Resource]:
    """A file that a folder's name hides may be pages before it, so all names are read before any is told."""
    place, sight = folder.place, folder.sight
    prefix = f"{place.name}/" if place.name else ""
    found = dict[str, Listed | None]()
    for name, version in _entries(container, prefix, sight):
        leaf = name.removeprefix(prefix)
        bare = leaf.removesuffix("/")
        if bare in ("", ".", "..") or "/" in bare:  # such a name is no name here
            continue
        is_folder = leaf.endswith("/")
        if is_folder or bare not in found:
            kept = found.get(bare)
            found[bare] = (kept if browsing.is_folder(kept) else None) if is_folder else version
        if len(found) > _MOST_MEMBERS:
            raise InsufficientStorage(
                f"There are more than {_MOST_MEMBERS} files and folders in this folder."
            )
    for bare, version in found.items():
        is_folder = version is None or browsing.is_folder(version)
        yield Resource(place.inside(bare), is_folder, container, version, sight)


def _entries(container: Container, prefix: str, sight: Sight | None) -> Iterator[tuple[str, Listed | None]]:
    marker, most = "", settings.PITHOS_API_LIST_LIMIT
    while True:
        wanted = Wanted(prefix, "/", marker=marker, limit=most, folds=True, sight=sight)
        page = listing.entries(container, wanted)
        yield from ((entry.name, None if isinstance(entry, Rolled) else entry) for entry in page)
        if len(page) < most:
            return
        marker = page[-1].name


def _given_time(version: Version | Listed) -> datetime.datetime | None:
    """The time that came with this very content, if one did."""
    own = version.attributes.get(DOMAIN, {})
    if own.get(MTIME_OF) != version.hash:
        return None
    return datetime.datetime.fromtimestamp(int(own[MTIME]), datetime.UTC)


def time_of(content: Content, seconds: int) -> Attributes:
    """Attributes that say the time of this content."""
    return {DOMAIN: {MTIME: str(seconds), MTIME_OF: content.hash}}
