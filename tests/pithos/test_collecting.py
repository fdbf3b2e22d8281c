"""Collecting beside people who upload, copy, delete and forget: nothing that anybody has is ever lost.

The clock stands still while an upload runs, so none takes longer than a grace period; between uploads it
leaps, so that whatever was not needed then is put aside or forgotten at once.
"""

from __future__ import annotations

import datetime
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.utils import timezone

from synnefo.common.faults import Conflict, ItemNotFound
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.content import Content, keep, of_digests, read
from synnefo.pithos.namespace import known, objects
from synnefo.pithos.namespace.models import KnownBlock, Version
from synnefo.pithos.namespace.objects import Overrides, Source
from synnefo.pithos.upkeep import collection
from tests.conftest import People
from tests.pithos.test_namespace import Drive

GRACE = datetime.timedelta(hours=1)
ROUNDS, WRITERS, NAMES = 25, 3, 4
CONTENTS = [bytes([letter]) * 4 + b"1234" * (letter % 3) for letter in range(97, 103)]


class Clock:
    """Leaps only while nobody works."""

    def __init__(self) -> None:
        self.now = timezone.now()
        self._changed = threading.Condition()
        self._working = 0

    @contextmanager
    def working(self) -> Iterator[None]:
        with self._changed:
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def leap(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: not self._working, 60)
            self.now += GRACE * 1.1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(timezone, "now", lambda: made.now)
    return made


def upload(drive: Drive, store: Blocks, name: str, data: bytes, by_hash: bool) -> None:
    """As clients do: send content whole, or name its blocks and send those that are missing."""
    content: Content = keep(store, [data], 4)
    if by_hash:
        digests = content.digests
        assert known.missing(drive.caller, digests, None) is not None
        if known.missing(drive.caller, digests, None):
            content = keep(store, [data], 4)
        content = of_digests(digests, len(data))
        assert not store.missing(digests)
    objects.write(drive.caller, drive.path(name), content, content_type="", attributes={})


def work(drive: Drive, store: Blocks, clock: Clock, chance: random.Random) -> None:
    name, other = (f"o{chance.randrange(NAMES)}" for _ in range(2))
    with clock.working():
        try:
            match chance.randrange(5):
                case 0 | 1:
                    upload(drive, store, name, chance.choice(CONTENTS), by_hash=chance.random() < 0.5)
                case 2:
                    objects.copy(drive.caller, Source(drive.path(name)), drive.path(other), Overrides())
                case 3:
                    objects.delete(drive.caller, drive.path(name))
                case _:
                    objects.purge(drive.caller, drive.path(name), clock.now)
        except (ItemNotFound, Conflict):
            pass  # somebody else was faster


@pytest.mark.django_db(transaction=True)
def test_nothing_that_anybody_has_is_lost(people: People, store: Blocks, clock: Clock) -> None:
    drive, failures = Drive(people.alice.caller), list[BaseException]()
    drive.make()
    upload(drive, store, "stays", CONTENTS[0] * 50, by_hash=False)

    def write(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for _ in range(ROUNDS):
                work(drive, store, clock, chance)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(WRITERS)]
    for thread in threads:
        thread.start()
    forgotten = 0
    while any(thread.is_alive() for thread in threads):
        collection.forget_maps()
        forgotten += collection.collect(0, GRACE, parts=collection.PARTS).forgotten
        clock.leap()
    for thread in threads:
        thread.join()
    assert not failures
    for version in Version.objects.exclude(state=Version.State.TOMBSTONE).select_related("map"):
        data = b"".join(read(store, version.content, 4, 0, version.size_bytes))
        assert data in CONTENTS or data == CONTENTS[0] * 50
    gone = set(map(bytes, KnownBlock.objects.values_list("digest", flat=True)))
    assert not store.missing(gone), "an account knows a block that is not there"
