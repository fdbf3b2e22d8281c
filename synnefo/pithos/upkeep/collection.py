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

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from synnefo.common.transactions import atomic
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.namespace import known
from synnefo.pithos.namespace.models import HashMap
from synnefo.pithos.upkeep import owners
from synnefo.pithos.upkeep.owners import PARTS as PARTS

log = structlog.get_logger("synnefo.pithos")

#: Parts that are looked at together: each time all maps of the database are read.
AT_ONCE = 16
EVERY_S = 5400
_BATCH = 1000


@dataclasses.dataclass(slots=True)
class Collected:
    """How many blocks were put aside, brought back and forgotten."""

    put_aside: int = 0
    brought_back: int = 0
    forgotten: int = 0

    def __add__(self, other: Collected) -> Collected:
        mine, others = dataclasses.astuple(self), dataclasses.astuple(other)
        return Collected(*(one + another for one, another in zip(mine, others, strict=True)))


def collect_some_parts() -> Collected:
    """The parts whose turn it is by the clock; who calls this every ``EVERY_S`` sees all within a day."""
    first = int(time.time() / EVERY_S) % (PARTS // AT_ONCE) * AT_ONCE
    if first == 0:
        forget_maps()
    return collect(first, grace(), parts=AT_ONCE)


def grace() -> datetime.timedelta:
    return datetime.timedelta(hours=settings.PITHOS_COLLECT_AFTER_H)


def collect(first: int, grace: datetime.timedelta, *, parts: int = 1, dry_run: bool = False) -> Collected:
    """Collect the blocks of some parts. With ``dry_run`` nothing is changed, only counted."""
    store, border = blocks(), timezone.now() - grace
    numbers = range(first, first + parts)
    aside = [digest for part in numbers for digest, since in store.aside(part) if since < border]
    unused = [digest for part in numbers for digest, since in store.stored(part) if since < border]
    needed = owners.needed({*aside, *unused}, first, parts) if aside or unused else set()
    wanted, over = _split(aside, needed)
    leaving = _split(unused, needed)[1]
    done = Collected(len(leaving), len(wanted), len(over))
    if not dry_run:
        store.missing(wanted)  # which brings back what is aside
        known.forget(over)  # first: what an account knows must be there
        for digest in over:
            store.delete_aside(digest)
        for digest in leaving:
            store.put_aside(digest)
    if done.put_aside or done.forgotten:
        log.info("collected blocks", part=first, dry_run=dry_run, **dataclasses.asdict(done))
    return done


def _split(digests: list[bytes], needed: set[bytes]) -> tuple[list[bytes], list[bytes]]:
    return [one for one in digests if one in needed], [one for one in digests if one not in needed]


def forget_maps() -> int:
    """Remove maps that nothing has; returns how many."""
    count = 0
    while numbers := list(HashMap.objects.exclude(owners.used()).values_list("pk", flat=True)[:_BATCH]):
        try:
            with atomic():
                rows = HashMap.objects.filter(pk__in=numbers)
                count += rows._raw_delete(rows.db)
        except IntegrityError:  # one of them got an object meanwhile; the next time the others go
            break
    return count
