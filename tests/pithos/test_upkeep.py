"""Content that nothing has any more is forgotten, what anything has or may get stays; MD5s come later."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone

from synnefo.common.objects import StoredObject
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.content import keep, of_digests
from synnefo.pithos.blocks.hashing import block_hash
from synnefo.pithos.namespace import containers, objects
from synnefo.pithos.namespace.models import HashMap, Version
from synnefo.pithos.seam.adapter import PithosObjects
from synnefo.pithos.upkeep import checksums, collection
from synnefo.pithos.upkeep.collection import Collected
from tests.conftest import People
from tests.pithos.conftest import Api
from tests.pithos.test_namespace import Drive

LONG = b"of four blocks!"
SHORT = b"one"


@pytest.fixture
def drive(people: People, store: Blocks) -> Drive:
    made = Drive(people.alice.caller)
    made.make()
    return made


@pytest.fixture
def put(drive: Drive, store: Blocks) -> Callable[[str, bytes], Version]:
    def write(name: str, data: bytes) -> Version:
        content = keep(store, [data], 4)
        return objects.write(drive.caller, drive.path(name), content, content_type="", attributes={})

    return write


def digests(data: bytes) -> list[bytes]:
    return [block_hash(data[start : start + 4]) for start in range(0, len(data), 4)]


def sweep(*, young: bool = False, dry_run: bool = False) -> Collected:
    """One round over all parts; everything counts as old, or everything as young."""
    grace = datetime.timedelta(hours=1 if young else -1)
    if not dry_run:
        collection.forget_maps()
    found = Collected()
    for first in range(0, collection.PARTS, collection.AT_ONCE):
        found += collection.collect(first, grace, parts=collection.AT_ONCE, dry_run=dry_run)
    return found


def known(store: Blocks) -> set[bytes]:
    return {digest for part in range(256) for digest, _ in [*store.stored(part), *store.aside(part)]}


def test_what_objects_and_their_history_have_stays(
    store: Blocks, drive: Drive, put: Callable[..., Version]
) -> None:
    for data in (LONG, SHORT, b"newer"):
        put("o", data)
    assert sweep() == sweep() == Collected()
    assert known(store) == {*digests(LONG), *digests(SHORT), *digests(b"newer")}


def test_what_was_purged_is_put_aside_and_then_forgotten(
    store: Blocks, drive: Drive, put: Callable[..., Version]
) -> None:
    put("o", LONG)
    put("o", SHORT)
    containers.purge(drive.caller, drive.caller.user, "c", timezone.now())
    assert sweep(dry_run=True) == Collected(put_aside=len(digests(LONG)))
    assert HashMap.objects.count() == 1
    assert sweep() == Collected(put_aside=len(digests(LONG)))
    assert HashMap.objects.count() == 0
    assert known(store) == {*digests(LONG), *digests(SHORT)}
    assert sweep() == Collected(forgotten=len(digests(LONG)))
    assert known(store) == set(digests(SHORT))


def test_what_is_young_stays_though_nothing_has_it(drive: Drive, store: Blocks) -> None:
    keep(store, [LONG], 4)
    assert sweep(young=True) == Collected()
    assert store.missing(digests(LONG)) == []


@pytest.mark.parametrize("late", [1, 2])
def test_an_upload_that_found_its_blocks_keeps_them_whenever_they_are_swept(
    store: Blocks, drive: Drive, late: int
) -> None:
    keep(store, [LONG], 4)
    for _ in range(late - 1):
        sweep()
    assert store.missing(digests(LONG)) == []
    sweep()
    content = of_digests(digests(LONG), len(LONG))
    objects.write(drive.caller, drive.path("o"), content, content_type="", attributes={})
    assert sweep() == Collected(brought_back=len(digests(LONG)))
    assert sweep() == Collected()
    assert {digest for digest in digests(LONG) if store.get(digest)} == set(digests(LONG))


def test_what_is_held_stays(store: Blocks, drive: Drive, put: Callable[..., Version]) -> None:
    for name, data in (("long", LONG), ("short", SHORT)):
        put(name, data)
    seam = PithosObjects()
    holds = [seam.hold(_found(seam, drive, name)) for name in ("long", "short")]
    objects.delete_all(drive.caller, drive.caller.user, "c")
    containers.purge(drive.caller, drive.caller.user, "c", timezone.now())
    assert Version.objects.count() == 0
    assert sweep() == sweep() == Collected()
    for hold in holds:
        seam.release(hold)
    assert sweep().put_aside == sweep().forgotten == len(digests(LONG) + digests(SHORT))
    assert known(store) == set()


def _found(seam: PithosObjects, drive: Drive, name: str) -> StoredObject:
    return seam.find(drive.caller, f"pithos://{drive.caller.user}/c/{name}")


def test_the_part_whose_turn_it_is_follows_the_clock(
    drive: Drive, store: Blocks, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PITHOS_COLLECT_AFTER_H = -1
    keep(store, [LONG], 4)
    found = Collected()
    for turn in range(collection.PARTS // collection.AT_ONCE):
        monkeypatch.setattr("time.time", lambda now=turn: now * collection.EVERY_S + 7.0)
        found += collection.collect_some_parts()
    assert found == Collected(put_aside=len(digests(LONG)))


def test_the_command_tells_what_it_did(drive: Drive, store: Blocks, settings: Any) -> None:
    settings.PITHOS_COLLECT_AFTER_H = -1
    keep(store, [SHORT], 4)
    output = io.StringIO()
    for _ in range(2):
        call_command("block-collect", "--dry-run", stdout=output)
    call_command("block-collect", stdout=output)
    aside = "put aside: 1, brought back: 0, forgotten: 0"
    assert output.getvalue().splitlines() == [aside, aside, aside]


def test_long_content_that_came_as_a_map_is_not_read_for_its_md5_at_once(
    api: Api, store: Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(1, 70))
    assert api("POST", "c?update", data, "application/octet-stream").status_code == 202
    body = json.dumps({"bytes": len(data), "hashes": [one.hex() for one in digests(data)]})
    with monkeypatch.context() as patch:
        patch.setattr(store, "get", lambda digest: pytest.fail("content was read"))
        made = api("PUT", "c/o?hashmap", body, "application/json")
    (row,) = Version.objects.all()
    assert (made.status_code, made["ETag"], row.checksum) == (201, f"{row.hash}-18", "")
    (item,) = api("GET", "c?format=json").json()
    assert (item["hash"], item["x_object_hash"]) == ("", row.hash)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert checksums.take_missing() == 1
    assert api("HEAD", "c/o")["ETag"] == md5
    for tag in (md5, row.hash, made["ETag"]):
        assert api("GET", "c/o", If_Match=tag).status_code == 200


def test_checksums_that_are_missing_are_taken_later(
    store: Blocks, drive: Drive, put: Callable[..., Version], settings: Any
) -> None:
    put("known", LONG)
    content = of_digests(digests(LONG), len(LONG))
    made = objects.write(drive.caller, drive.path("map"), content, content_type="", attributes={})
    assert made.checksum == ""
    settings.PITHOS_UPDATE_MD5 = False
    assert checksums.take_missing() == 0
    settings.PITHOS_UPDATE_MD5 = True
    assert checksums.take_missing() == 1
    expected = hashlib.md5(LONG, usedforsecurity=False).hexdigest()
    assert objects.get(drive.caller, drive.path("map")).checksum == expected
    assert checksums.take_missing() == 0


def test_very_long_content_is_read_beside_all_else(
    store: Blocks, drive: Drive, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    keep(store, [LONG], 4)
    content = of_digests(digests(LONG), len(LONG))
    for name in ("one", "two"):
        objects.write(drive.caller, drive.path(name), content, content_type="", attributes={})
    monkeypatch.setattr(checksums, "MOST_BYTES", len(LONG) - 1)
    assert checksums.take_missing() == 0
    assert not checksums.take_one_long(lambda: True)
    settings.PITHOS_UPDATE_MD5 = False
    assert not checksums.take_one_long(lambda: False)
    settings.PITHOS_UPDATE_MD5 = True
    assert [checksums.take_one_long(lambda: False) for _ in range(3)] == [True, True, False]
    expected = hashlib.md5(LONG, usedforsecurity=False).hexdigest()
    for name in ("one", "two"):
        assert objects.get(drive.caller, drive.path(name)).checksum == expected
    rounds = iter([False, False, True, True])
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(checksums, "close_old_connections", lambda: None)  # the test's own is in use
    checksums.follow_long(lambda: next(rounds))


def test_very_long_content_that_is_gone_keeps_nobody(
    store: Blocks, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    lost, kept = bytes(range(1, 20)), LONG
    keep(store, [kept], 4)
    for name, data in (("lost", lost), ("kept", kept)):
        content = of_digests(digests(data), len(data))
        objects.write(drive.caller, drive.path(name), content, content_type="", attributes={})
    monkeypatch.setattr(checksums, "MOST_BYTES", 4)
    assert [checksums.take_one_long(lambda: False) for _ in range(2)] == [True, False]
    assert objects.get(drive.caller, drive.path("lost")).checksum == ""
