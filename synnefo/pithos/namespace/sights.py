"""What of a container somebody sees in lists: all of it, or what is shared with him, and what is below that.

A sight is made by one or two queries, however long the lists are that it is used for.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from django.db.models import Q
from django.utils import timezone

from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden
from synnefo.pithos.namespace import access
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import Container, PublicLink, Share
from synnefo.pithos.namespace.names import behind

#: So many places are looked up one by one; among more, all that is between them is looked at.
_MOST_PLACES = 10_000
_MOST_FOLDERS = 200


class Place(NamedTuple):
    """What the shares of a path give, and whether they give it below the path, too."""

    right: Right | None
    is_folder: bool


@dataclasses.dataclass(frozen=True)
class Sight:
    """Paths that have shares. The nearest above a name says what it gives."""

    places: Mapping[str, Place]

    def right(self, name: str) -> Right | None:
        """``WRITE``, ``READ``, or nothing."""
        for above in sorted(access.places_above(name), key=len, reverse=True):
            place = self.places.get(above)
            if place is not None and (place.is_folder or above == name):
                return place.right
        return None

    @functools.cached_property
    def rows(self) -> Q:
        """A condition on ``object__name`` that what is seen fulfils, and not much else."""
        folders = self._ranges()
        names = [name for name, place in self.places.items() if place.right]
        if not names:
            return Q(pk=None)
        if len(names) > _MOST_PLACES or len(folders) > _MOST_FOLDERS:
            last = max([*names, *(behind(folder) for folder in folders)])
            return Q(object__name__gte=min(names), object__name__lte=last)
        found = Q(object__name__in=names)
        for folder in folders:
            found |= Q(object__name__gte=folder, object__name__lt=behind(folder))
        return found

    def reaches(self, prefix: str) -> bool:
        """Whether anything that begins so may be seen."""
        if any(place.right and name.startswith(prefix) for name, place in self.places.items()):
            return True
        return self.right(prefix) is not None

    def with_names(self, names: Iterable[str]) -> Sight:
        """The same and these paths, but not what is below them."""
        more = {name: Place(Right.READ, False) for name in names if self.right(name) is None}
        return Sight({**self.places, **more})

    def _ranges(self) -> list[str]:
        """What names below folders begin with; folders in others of these are left out."""
        found: list[str] = []
        folders = (name for name, place in self.places.items() if place.right and place.is_folder)
        for prefix in sorted({name.rstrip("/") + "/" for name in folders}):
            if not found or not prefix.startswith(found[-1]):
                found.append(prefix)
        return found


def look(caller: Caller, owner: str, name: str) -> tuple[Container, Sight | None]:
    """A container, and what the caller sees of it; None stands for all. Raises Forbidden, ItemNotFound."""
    try:
        return access.container(caller, owner, name, Right.LIST), None
    except Forbidden:
        container = Container.objects.select_related("account").filter(account__name=owner, name=name).first()
        sight = _shared_with(caller, container) if container is not None and caller.user else None
        if container is None or sight is None:
            raise
    return container, sight


def sieve(caller: Caller, container: Container, right: Right) -> Callable[[str], bool]:
    """Says of names in a container whether the caller may read (or write) there; shares are fetched once."""
    if access.in_all_of(caller, container, right):
        return lambda _: True
    sight = (_shared_with(caller, container) if caller.user else None) or Sight({})
    enough = {Right.READ: (Right.READ, Right.WRITE), Right.WRITE: (Right.WRITE,)}.get(right, ())
    return lambda name: sight.right(name) in enough


def shared(container: Container) -> Sight:
    """What of a container is shared with anybody."""
    return Sight({name: Place(Right.READ, folder) for name, folder in _places(container)})


def published(container: Container) -> Iterable[str]:
    """Names in a container that have a public link."""
    links = PublicLink.objects.filter(object__container=container)
    return links.exclude(expires__lte=timezone.now()).values_list("object__name", flat=True)


def _shared_with(caller: Caller, container: Container) -> Sight | None:
    rows = Share.objects.filter(object__container=container, who__in=access.known_as(caller))
    rows = rows.annotate(folder=access.is_folder())
    found: dict[str, Place] = {}
    for name, write, folder in rows.values_list("object__name", "write", "folder"):
        right = Right.WRITE if write and access.may_change(caller) else Right.READ
        if name not in found or right is Right.WRITE:
            found[name] = Place(right, folder)
    if not found:
        return None
    if any(place.is_folder for place in found.values()):
        # What is shared with others alone, below a folder that is shared with him, is not shared with him.
        others = ((name, Place(None, folder)) for name, folder in _places(container))
        found = {**dict(others), **found}
    return Sight(found)


def _places(container: Container) -> Iterable[tuple[str, bool]]:
    rows = Share.objects.filter(object__container=container).exclude(who=Share.EVERYBODY)
    return rows.annotate(folder=access.is_folder()).values_list("object__name", "folder").distinct()
