"""Collecting content that nothing has any more: what was purged, given up half-way or never named.

A block is needed if a version, a hold or a part of an upload has it. One that is not, and that nobody put or
asked for during a grace period, is put aside; so it stays for another grace period, found by whoever asks,
and is brought back if it turns out to be needed. Only then it is forgotten. So an upload that takes less than
the grace period never loses a block, whenever it looked, and no lock is needed.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Iterator

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from synnefo.common.transactions import atomic
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.hashing import unpack
from synnefo.pithos.namespace.models import HashMap, Version
from synnefo.pithos.seam.models import Hold
from synnefo.pithos.uploads.models import Part

log = structlog.get_logger("synnefo.pithos")

#: Blocks are looked at in parts, by the first byte of their digests.
PARTS = 256
EVERY_S = 300
_BATCH = 1000
#: What has content.
_OWNERS = (Version, Hold, Part)


@dataclasses.dataclass(slots=True)
class Collected:
    """How many blocks were put aside, brought back and forgotten."""

    put_aside: int = 0
    brought_back: int = 0
    forgotten: int = 0

    def __add__(self, other: Collected) -> Collected:
        mine, others = dataclasses.astuple(self), dataclasses.astuple(other)
        return Collected(*(one + another for one, another in zip(mine, others, strict=True)))


def collect_one_part() -> Collected:
    """The part whose turn it is by the clock; who calls this every five minutes sees all within a day."""
    part = int(time.time() / EVERY_S) % PARTS
    if part == 0:
        forget_maps()
    return collect(part, grace())


def grace() -> datetime.timedelta:
    return datetime.timedelta(hours=settings.PITHOS_COLLECT_AFTER_H)


def collect(part: int, grace: datetime.timedelta, *, dry_run: bool = False) -> Collected:
    """Collect the blocks of one part. With ``dry_run`` nothing is changed, only counted."""
    store, border, done = blocks(), timezone.now() - grace, Collected()
    aside = [digest for digest, since in store.aside(part) if since < border]
    unused = [digest for digest, since in store.stored(part) if since < border]
    needed = _needed(part, {*aside, *unused}) if aside or unused else set()
    for digest in aside:
        if digest in needed:
            done.brought_back += 1
            if not dry_run:
                store.missing([digest])
        else:
            done.forgotten += 1
            if not dry_run:
                store.delete_aside(digest)
    for digest in unused:
        if digest not in needed:
            done.put_aside += 1
            if not dry_run:
                store.put_aside(digest)
    if done.put_aside or done.forgotten:
        log.info("collected blocks", part=part, dry_run=dry_run, **dataclasses.asdict(done))
    return done


def forget_maps() -> int:
    """Remove maps that nothing has; returns how many."""
    count = 0
    while numbers := list(HashMap.objects.exclude(_used()).values_list("pk", flat=True)[:_BATCH]):
        try:
            with atomic():
                rows = HashMap.objects.filter(pk__in=numbers)
                count += rows._raw_delete(rows.db)
        except IntegrityError:  # one of them got an object meanwhile; the next time the others go
            break
    return count


def _used() -> Q:
    """Maps that anything has."""
    rows = (model.objects.filter(map=OuterRef("pk")) for model in _OWNERS)
    return Q(*map(Exists, rows), _connector=Q.OR)


def _needed(part: int, asked: set[bytes]) -> set[bytes]:
    """Which of these blocks anything has."""
    found: set[bytes] = set()
    for digest in _alone(part):
        if digest in asked:
            found.add(digest)
    for packed in HashMap.objects.filter(_used()).values_list("packed", flat=True).iterator(chunk_size=100):
        found.update(asked.intersection(unpack(bytes(packed))))
    return found


def _alone(part: int) -> Iterator[bytes]:
    """The blocks of content that has but one."""
    for model in _OWNERS:
        rows = model.objects.filter(map=None, size_bytes__gt=0, hash__startswith=f"{part:02x}")
        for text in rows.values_list("hash", flat=True).iterator(chunk_size=_BATCH):
            yield bytes.fromhex(text)
