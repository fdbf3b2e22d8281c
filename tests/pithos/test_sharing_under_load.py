"""Sharing, deleting and writing at the same time: no share outlives its object, and nobody is stuck."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from synnefo.common.faults import ItemNotFound
from synnefo.pithos.namespace import objects, sharing
from synnefo.pithos.namespace.models import KnownBlock, Share, Version
from tests.conftest import Person
from tests.pithos.test_namespace import Drive

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def drive(new_person: Callable[..., Person]) -> Iterator[Drive]:
    made = Drive(new_person("alice").caller)
    made.make()
    yield made
    connections.close_all()


def closing(call: Callable[[], object]) -> None:
    try:
        call()
    except ItemNotFound:
        pass
    finally:
        connection.close()


def test_what_is_deleted_while_it_is_shared_is_shared_no_more(drive: Drive) -> None:
    path = drive.path("o")
    calls: list[Callable[[], object]] = [
        lambda: objects.delete(drive.caller, path),
        lambda: drive.put("o", b"text"),
        lambda: sharing.replace(drive.caller, path, {"somebody": True}),
        lambda: sharing.open_to_everybody(drive.caller, path, True),
    ]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(25):
            drive.put("o", b"text")
            for done in [pool.submit(closing, call) for call in calls]:
                done.result(30)
            if not Version.objects.filter(state=Version.State.CURRENT).exists():
                assert not Share.objects.exists()
            closing(lambda: objects.delete(drive.caller, path))
            assert not Share.objects.exists()


def test_writers_who_have_the_same_blocks_in_another_order_note_them_beside_each_other(drive: Drive) -> None:
    blocks = [f"{number:04d}".encode() for number in range(60)]

    def write(seed: int) -> None:
        mine = random.Random(seed).sample(blocks, len(blocks))
        closing(lambda: drive.put(f"o{seed}", b"".join(mine)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24), timeout=60))
    assert KnownBlock.objects.count() == len(blocks)
    assert Version.objects.count() == 24
