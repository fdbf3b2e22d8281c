"""Threads write into one container at the same time: counts, quota and history stay exact, none is stuck."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.db.models import Count, Sum

from synnefo.astakos.quotas import deltas
from synnefo.common.faults import Conflict, ItemNotFound, OverLimit, RequestTooLarge
from synnefo.pithos.namespace import containers, objects
from synnefo.pithos.namespace.models import Container, Object, Version
from synnefo.pithos.namespace.objects import Overrides, Source
from tests.conftest import Person
from tests.pithos.test_namespace import Drive, content

THREADS, ROUNDS, QUOTA = 12, 25, 600
REFUSALS = (RequestTooLarge, OverLimit, ItemNotFound, Conflict)
NAMES = ["shared", "shared/a", "shared/b"]

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def drive(new_person: Callable[..., Person]) -> Iterator[Drive]:
    made = Drive(new_person("alice").caller)
    made.make("c", quota=str(QUOTA))
    yield made
    connections.close_all()


def live(drive: Drive, seed: int) -> int:
    """One writer's life; returns how many of his changes came to be."""
    chance, done = random.Random(seed), 0
    try:
        for number in range(ROUNDS):
            name = chance.choice([*NAMES, f"own-{seed}-{number}"])
            data = content(bytes([65 + seed]) * chance.randint(0, 30))
            try:
                act = chance.random()
                if act < 0.6:
                    objects.write(drive.caller, drive.path(name), data, content_type="", attributes={})
                elif act < 0.75:
                    target = drive.path(chance.choice(NAMES))
                    objects.copy(drive.caller, Source(drive.path(name)), target, Overrides())
                elif act < 0.9:
                    objects.delete(drive.caller, drive.path(name))
                else:
                    objects.move(
                        drive.caller,
                        drive.path("shared"),
                        drive.path("elsewhere"),
                        Overrides(),
                        delimiter="/",
                    )
                done += 1
            except REFUSALS:
                continue
    finally:
        connection.close()
    return done


def watch(stop: threading.Event, seen: list[int]) -> None:
    try:
        while not stop.wait(0.01):
            seen.append(Container.objects.get().size_bytes)
            deltas.fold_all()
    finally:
        connection.close()


def test_writers_of_one_container_leave_exact_counts(drive: Drive) -> None:
    stop, seen = threading.Event(), list[int]()
    watcher = threading.Thread(target=watch, args=(stop, seen))
    watcher.start()
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            done = list(pool.map(lambda seed: live(drive, seed), range(THREADS), timeout=120))
    finally:
        stop.set()
        watcher.join()
    assert min(done) > 0
    assert 0 < max(seen) <= QUOTA
    current = Version.objects.filter(state=Version.State.CURRENT)
    found = current.aggregate(count=Count("pk"), size=Sum("size_bytes"))
    row = drive.row()
    assert (row.object_count, row.size_bytes) == (found["count"], found["size"])
    assert drive.usage() == row.size_bytes
    latest = {version.object_id: version.pk for version in Version.objects.order_by("pk")}
    assert set(current.values_list("pk", flat=True)) <= set(latest.values())


def test_a_container_is_removed_or_written_to_but_never_both(drive: Drive) -> None:
    for number in range(15):
        drive.make(f"c{number}")
        path = drive.path("o", f"c{number}")
        start = threading.Barrier(2)

        def write(path: objects.Path = path, start: threading.Barrier = start) -> bool:
            start.wait(10)
            try:
                objects.write(drive.caller, path, content(b"x"), content_type="", attributes={})
                return True
            except ItemNotFound:
                return False
            finally:
                connection.close()

        def remove(name: str = path.container, start: threading.Barrier = start) -> bool:
            start.wait(10)
            try:
                containers.delete(drive.caller, drive.caller.user, name)
                return True
            except Conflict:
                return False
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            written, removed = pool.submit(write), pool.submit(remove)
            assert written.result(30) != removed.result(30)
        there = Object.objects.filter(container__name=path.container).count()
        assert there == Container.objects.filter(name=path.container).count() == int(written.result())
    assert drive.usage() == Version.objects.count()
