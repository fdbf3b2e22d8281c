"""What has content: who needs a block is asked here, and nowhere else.

A new kind of row with content (``hash``, ``map``, ``size_bytes``, as versions have them) is added to
``OWNERS``; then its blocks are kept, checked and told of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from synnefo.pithos.blocks.hashing import unpack
from synnefo.pithos.namespace.models import HashMap, Version
from synnefo.pithos.seam.models import Hold
from synnefo.pithos.uploads.models import Part

OWNERS = (Version, Hold, Part)
Owner = Version | Hold | Part
#: Blocks are looked at in parts, by the first byte of their digests.
PARTS = 256
_BATCH = 1000


def used() -> Q:
    """Maps that anything has."""
    rows = (model.objects.filter(map=OuterRef("pk")) for model in OWNERS)
    return Q(*map(Exists, rows), _connector=Q.OR)


def needed(asked: set[bytes], first: int, parts: int) -> set[bytes]:
    """Which of these blocks, of so many parts from the ``first`` on, anything has."""
    found = asked.intersection(_alone(first, parts))
    for _, packed in _maps():
        found.update(asked.intersection(unpack(packed)))
    return found


def who_has(damaged: set[bytes]) -> dict[bytes, list[str]]:
    """For each of these blocks, what has it: paths with their versions, holds, uploads."""
    found: dict[bytes, list[str]] = {digest: [] for digest in damaged}
    maps = defaultdict[int | None, set[bytes]](set)
    for number, packed in _maps():
        for digest in damaged.intersection(unpack(packed)):
            maps[number].add(digest)
    for model in OWNERS:
        alone = model.objects.filter(map=None, hash__in=[digest.hex() for digest in damaged])
        for row in _described(alone):
            found[bytes.fromhex(row.hash)].append(name_of(row))
        for row in _described(model.objects.filter(map__in=list(maps))):
            for digest in maps[row.map_id]:
                found[digest].append(name_of(row))
    return found


def _maps() -> Iterator[tuple[int, bytes]]:
    rows = HashMap.objects.filter(used()).values_list("pk", "packed")
    for number, packed in rows.iterator(chunk_size=100):
        yield number, bytes(packed)


def _alone(first: int, parts: int) -> Iterator[bytes]:
    """The blocks of content that has but one; what stands in its row needs none."""
    begins = Q()
    for part in range(first, first + parts) if parts < PARTS else ():
        begins |= Q(hash__startswith=f"{part:02x}")  # no order: collations of databases differ
    for model in OWNERS:
        rows: QuerySet[Any] = model.objects.filter(begins, map=None, size_bytes__gt=0)
        if model is not Part:
            rows = rows.filter(data=None)
        for text in rows.values_list("hash", flat=True).iterator(chunk_size=_BATCH):
            yield bytes.fromhex(text)


def _described(rows: QuerySet[Any]) -> Iterator[Owner]:
    """Rows with what names them; what stands in its row has no block."""
    if rows.model is not Part:
        rows = rows.filter(data=None).defer("data")
    if rows.model is not Hold:
        place = "object" if rows.model is Version else "upload"
        rows = rows.select_related(f"{place}__container__account")
    yield from rows.iterator(chunk_size=_BATCH)


def name_of(row: Owner) -> str:
    if isinstance(row, Hold):
        return f"image content {row.uuid}"
    place, name = (row.object.container, row.object.name) if isinstance(row, Version) else (
        row.upload.container, row.upload.name
    )  # fmt: skip
    what = f"version {row.pk}" if isinstance(row, Version) else f"upload {row.upload.uuid}"
    return f"{place.account.name}/{place.name}/{name} ({what})"
