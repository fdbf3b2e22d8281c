"""Reading what is stored and taking its hash again: media lose bits, and nobody else would notice.

What is damaged is told, with all that has it; nothing is changed. Whoever sends the same content again does
not mend it, since it is there: an operator takes the block out of the store, or puts a good one there.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.db.models import QuerySet, Sum
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from synnefo.common.faults import ItemNotFound
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.hashing import block_hash
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.upkeep import owners
from synnefo.pithos.upkeep.models import ScrubbedPart
from synnefo.pithos.upkeep.owners import PARTS as PARTS

log = structlog.get_logger("synnefo.pithos")

EVERY_S = 3600


@dataclasses.dataclass(slots=True)
class Scrubbed:
    """How many contents were read, how many bytes that was, and which are damaged, with all that has them."""

    count: int = 0
    size_bytes: int = 0
    damaged: dict[bytes, list[str]] = dataclasses.field(default_factory=dict)

    def __add__(self, other: Scrubbed) -> Scrubbed:
        return Scrubbed(
            self.count + other.count, self.size_bytes + other.size_bytes, {**self.damaged, **other.damaged}
        )


def scrub_some() -> Scrubbed:
    """The parts whose turn it is by the clock, so that all are read within ``PITHOS_SCRUB_DAYS``."""
    days = settings.PITHOS_SCRUB_DAYS
    if not days:
        return Scrubbed()
    turns = days * 24 * 3600 // EVERY_S
    turn = int(time.time() / EVERY_S) % turns
    done = Scrubbed()
    for part in range(turn * PARTS // turns, (turn + 1) * PARTS // turns):
        done += scrub(part)
    return done


def scrub(part: int) -> Scrubbed:
    """Read all blocks of a part, and the content in rows whose hash is in it."""
    done, bad = Scrubbed(), set[bytes]()
    for digest, data in _stored(part):
        done.count, done.size_bytes = done.count + 1, done.size_bytes + len(data)
        if block_hash(data) != digest:
            bad.add(digest)
    done.damaged = owners.who_has(bad) if bad else {}
    for version in _rows(part).iterator(chunk_size=100):
        data = bytes(version.data or b"")
        done.count, done.size_bytes = done.count + 1, done.size_bytes + len(data)
        if block_hash(data).hex() != version.hash or len(data) != version.size_bytes:
            done.damaged.setdefault(bytes.fromhex(version.hash), []).append(owners.name_of(version))
    for digest, names in done.damaged.items():
        log.error("content is damaged", digest=digest.hex(), of=names)
    found = {"count": done.count, "size_bytes": done.size_bytes, "damaged": len(done.damaged)}
    ScrubbedPart.objects.update_or_create(part=part, defaults={**found, "at": timezone.now()})
    return done


class Metrics(Collector):
    """What the last reading of each part found, whichever process read it."""

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            sums = ScrubbedPart.objects.aggregate(
                count=Sum("count", default=0), bad=Sum("damaged", default=0)
            )
        except DatabaseError:  # other metrics tell of that
            return
        yield GaugeMetricFamily("synnefo_blocks_read", "Contents that were read again", value=sums["count"])
        yield GaugeMetricFamily("synnefo_blocks_damaged", "Those that are damaged", value=sums["bad"])


def _stored(part: int) -> Iterator[tuple[bytes, bytes]]:
    store = blocks()
    for digest, _ in store.stored(part):
        with suppress(ItemNotFound):  # it was put aside and forgotten meanwhile
            yield digest, store.get(digest)


def _rows(part: int) -> QuerySet[Version]:
    rows = Version.objects.exclude(data=None).filter(hash__startswith=f"{part:02x}")
    return rows.select_related("object__container__account")
