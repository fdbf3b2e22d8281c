"""Large objects in parts: an object whose ``X-Object-Manifest`` names other objects of its account by prefix.

Who reads it reads those, in the order of their names, as far as he may. No HTTP, no bytes of content.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.db.models import Q
from django.utils import timezone

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound
from synnefo.pithos.blocks.content import Content
from synnefo.pithos.namespace import access, sights
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import Container, Version
from synnefo.pithos.namespace.names import behind, check_characters, check_container
from synnefo.pithos.namespace.sights import Sight

MANIFEST = "X-Object-Manifest"
MOST_PARTS = 10_000
_BATCH = 100


class Part(NamedTuple):
    """One of the objects: the number of its version, its length, its MD5 (if that is known) and root hash."""

    version: int
    size_bytes: int
    md5: str
    hash: str


def parts(caller: Caller, account: str, manifest: str) -> list[Part]:
    """What ``<container>/<prefix>`` stands for; nothing where the caller may not read.

    Raises BadRequest if the manifest makes no sense.
    """
    container_name, slash, prefix = manifest.partition("/")
    if not container_name or not slash or not prefix:
        raise BadRequest(f"Invalid {MANIFEST} header")
    check_container(container_name)
    check_characters(prefix)
    try:
        container, sight = _seen(caller, account, container_name)
    except (Forbidden, ItemNotFound):
        return []
    rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
    rows = rows.filter(Q(expires=None) | Q(expires__gt=timezone.now()))
    rows = rows.filter(object__name__gte=prefix, object__name__lt=behind(prefix)).order_by("object__name")
    if sight is not None:
        rows = rows.filter(sight.rows)
    found = rows.values_list("object__name", "pk", "size_bytes", "checksum", "hash")[:MOST_PARTS]
    return [Part(*row[1:]) for row in found if sight is None or sight.right(row[0])]


def _seen(caller: Caller, account: str, name: str) -> tuple[Container, Sight | None]:
    """The container, and what the caller may read of it; None stands for all."""
    try:
        return access.container(caller, account, name, Right.READ), None
    except Forbidden:
        return sights.look(caller, account, name)


def contents(wanted: Sequence[int]) -> Iterator[tuple[int, Content]]:
    """The content of versions, in this order, fetched some at a time. What is gone meanwhile is left out."""
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        found = Version.objects.select_related("map").in_bulk(batch)
        yield from ((number, found[number].content) for number in batch if number in found)
