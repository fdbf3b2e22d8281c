"""What every object store behind ``common.objects`` promises, and what Pithos promises beside that."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synnefo.common import faults, objects
from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller, Scope, system_caller
from synnefo.common.ids import new_uuid
from synnefo.common.objects import ObjectStore
from synnefo.common.objects_directory import DirectoryStore
from synnefo.pithos.blocks import base as block_stores
from synnefo.pithos.blocks.filesystem import FilesystemBlocks
from synnefo.pithos.blocks.hashing import top_hash, unpack
from synnefo.pithos.namespace import containers
from synnefo.pithos.namespace import objects as namespace
from synnefo.pithos.namespace.models import HashMap, Version
from synnefo.pithos.namespace.objects import Path as ObjectPath
from synnefo.pithos.seam.adapter import PithosObjects
from synnefo.pithos.seam.models import Hold
from synnefo.pithos.upkeep import owners
from tests.conftest import People

BLOCK = 4096
CONTENT = os.urandom(BLOCK) + bytes(BLOCK) + b"the end"


@pytest.fixture
def blocks(settings: Any, tmp_path: Path) -> Iterator[FilesystemBlocks]:
    """Small blocks in a directory of the test's own."""
    settings.PITHOS_BACKEND_BLOCK_PATH = str(tmp_path / "pithos")
    settings.PITHOS_BACKEND_BLOCK_SIZE = BLOCK
    block_stores.blocks.cache_clear()
    yield block_stores.blocks()  # type: ignore[misc]
    block_stores.blocks.cache_clear()


@pytest.fixture(params=["pithos", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, blocks: FilesystemBlocks) -> ObjectStore:
    return PithosObjects() if request.param == "pithos" else DirectoryStore(tmp_path / "objects")


@pytest.fixture
def alice(people: People) -> Caller:
    return people.alice.caller


def pieces(content: bytes, size: int = 1000) -> Iterator[bytes]:
    yield from (content[start : start + size] for start in range(0, len(content), size))


def text_of(store: ObjectStore, hold: str, *part: int) -> bytes:
    return b"".join(store.read(hold, *part))


def test_what_was_put_is_found_and_read(store: ObjectStore, alice: Caller) -> None:
    made = store.put(alice, pieces(CONTENT), name="disk.raw")
    assert (made.size_bytes, made.checksum) == (
        len(CONTENT),
        hashlib.md5(CONTENT, usedforsecurity=False).hexdigest(),
    )
    assert made.location.startswith(f"{store.scheme}://")
    assert store.find(alice, made.location) == made
    hold = store.hold(made)
    assert hold.startswith(f"{store.scheme}:")
    assert len(hold) <= 128
    assert text_of(store, hold) == CONTENT
    assert text_of(store, hold, BLOCK - 2, 5) == CONTENT[BLOCK - 2 : BLOCK + 3]
    assert text_of(store, hold, len(CONTENT) - 3) == b"end"
    assert store.head(made, 10) == CONTENT[:10]


def test_an_object_is_known_by_its_id_until_it_is_removed(store: ObjectStore, alice: Caller) -> None:
    made = store.put(alice, pieces(CONTENT), name="disk.raw")
    assert store.known(made.uuid) == made
    assert store.known(new_uuid()) is None
    assert store.known("../names/x") is None
    store.remove(alice, made.uuid)
    assert store.known(made.uuid) is None


def test_a_second_hold_stays_when_the_first_is_released(store: ObjectStore, alice: Caller) -> None:
    made = store.put(alice, pieces(CONTENT), name="disk.raw")
    first = store.hold(made)
    second = store.hold_again(first)
    store.remove(alice, made.uuid)
    store.release(first)
    assert text_of(store, second) == CONTENT
    held = store.held(second)
    assert (held.hash, held.size_bytes) == (made.hash, len(CONTENT))


@pytest.mark.parametrize("content", [b"", b"small", CONTENT])
def test_content_can_be_kept_that_is_nobodys(store: ObjectStore, alice: Caller, content: bytes) -> None:
    hold = store.keep(pieces(content))
    assert text_of(store, hold) == content
    assert store.held(hold).size_bytes == len(content)
    assert not Version.objects.exists()
    again = store.hold_again(hold)
    store.release(hold)
    assert text_of(store, again) == content


def test_what_is_not_kept_is_held_by_nobody(store: ObjectStore, alice: Caller) -> None:
    for ask in (store.hold_again, store.held):
        with pytest.raises(faults.ItemNotFound):
            ask(f"{store.scheme}:nothing")


def test_objects_go_where_they_are_told(blocks: FilesystemBlocks, alice: Caller) -> None:
    made = PithosObjects().put(alice, [b"x"], name="disk", folder=objects.SNAPSHOTS)
    assert made.location.endswith("/snapshots/disk")


def test_an_object_may_be_empty(store: ObjectStore, alice: Caller) -> None:
    made = store.put(alice, [], name="nothing")
    assert (made.size_bytes, store.head(made, 10), text_of(store, store.hold(made))) == (0, b"", b"")


def test_a_uuid_may_be_chosen_once_and_names_may_be_taken(
    store: ObjectStore, alice: Caller, people: People
) -> None:
    uuid = new_uuid()
    first = store.put(alice, [b"1"], name="a/b c", uuid=uuid)
    second = store.put(alice, [b"2"], name="a/b c")
    assert first.uuid == uuid != second.uuid
    assert first.location != second.location
    assert [store.head(store.find(alice, one.location), 1) for one in (first, second)] == [b"1", b"2"]
    with pytest.raises(faults.Conflict):
        store.put(people.bob.caller, [b"3"], name="x", uuid=uuid)


def test_others_objects_are_out_of_reach(store: ObjectStore, people: People) -> None:
    made = store.put(people.alice.caller, [b"x"], name="x")
    for caller in (people.bob.caller, people.admin.caller):
        with pytest.raises(faults.Forbidden):
            store.find(caller, made.location)


@pytest.mark.parametrize(
    "rest", ["", "//", "/", "x", "x/", "%00/x/y", "%ff/%ff/%ff", "../../../etc/passwd", "x/y/"]
)
def test_a_location_that_is_none_is_refused(store: ObjectStore, alice: Caller, rest: str) -> None:
    for location in (
        f"{store.scheme}://{rest}",
        f"{store.scheme}://{alice.user}/{rest}",
        f"http://{rest}",
        rest,
    ):
        with pytest.raises((faults.BadRequest, faults.Forbidden, faults.ItemNotFound)):
            store.find(alice, location)


def test_what_is_not_there_is_not_found(store: ObjectStore, alice: Caller) -> None:
    made = store.put(alice, [b"x"], name="x")
    store.remove(alice, made.uuid)
    store.remove(alice, made.uuid)
    with pytest.raises(faults.ItemNotFound):
        store.find(alice, made.location)
    for hold in (f"{store.scheme}:nothing", f"{store.scheme}://{'0' * 64}", "x"):
        with pytest.raises(faults.ItemNotFound):
            text_of(store, hold)


def test_what_is_held_stays_when_the_object_goes(store: ObjectStore, alice: Caller) -> None:
    made = store.put(alice, pieces(CONTENT), name="x")
    hold = store.hold(made)
    store.remove(alice, made.uuid)
    assert text_of(store, hold) == CONTENT
    store.release(hold)
    store.release(hold)


def test_a_stream_that_breaks_leaves_nothing(store: ObjectStore, alice: Caller) -> None:
    def broken() -> Iterator[bytes]:
        yield CONTENT
        raise faults.BadRequest("cut short")

    with pytest.raises(faults.BadRequest):
        store.put(alice, broken(), name="x")
    made = store.put(alice, [b"y"], name="x")
    assert store.find(alice, made.location).size_bytes == 1


def test_a_stream_that_is_too_long_is_refused(
    store: ObjectStore, alice: Caller, settings: Any, tmp_path: Path
) -> None:
    settings.SYNNEFO_OBJECT_MAX_BYTES = 100
    small = store if store.scheme == "pithos" else DirectoryStore(tmp_path / "objects")
    with pytest.raises(faults.RequestTooLarge):
        small.put(alice, pieces(CONTENT), name="x")


def test_damage_is_noticed_and_never_given_out(
    store: ObjectStore, alice: Caller, tmp_path: Path, blocks: FilesystemBlocks
) -> None:
    made = store.put(alice, pieces(CONTENT), name="x")
    hold = store.hold(made)
    for file in [*tmp_path.glob("pithos/blocks/[0-9a-f]*/*"), *tmp_path.glob("objects/[0-9a-f]*")]:
        file.chmod(0o600)
        file.write_bytes(b"!" + file.read_bytes()[1:])
    read = bytearray()

    def collect() -> None:
        for piece in store.read(hold):
            read.extend(piece)

    with pytest.raises(OSError, match="damaged"):
        collect()
    assert len(read) < len(CONTENT)


def test_memory_does_not_grow_with_content(
    store: ObjectStore, alice: Caller, settings: Any, peak_bytes: Callable[..., int]
) -> None:
    settings.PITHOS_BACKEND_BLOCK_SIZE = 4 * 1024 * 1024
    stream = (os.urandom(1024 * 1024) for _ in range(64))
    made: list[Any] = []
    assert peak_bytes(lambda: made.append(store.put(alice, stream, name="x"))) < 24 * 1024 * 1024
    hold = store.hold(made[0])

    def drain() -> None:
        for _ in store.read(hold):
            pass

    assert peak_bytes(drain) < 24 * 1024 * 1024


# -- Pithos -----------------------------------------------------------------------------------------
@pytest.fixture
def pithos(blocks: FilesystemBlocks) -> PithosObjects:
    return PithosObjects()


def usage(caller: Caller) -> int:
    return accounts().quotas(caller.user, caller.project)["pithos.diskspace"].usage


def test_the_hash_is_the_root_hash(pithos: PithosObjects, alice: Caller) -> None:
    made = pithos.put(alice, pieces(CONTENT), name="x")
    version = Version.objects.get(pk=made.version)
    assert made.hash == top_hash(list(unpack(version.content.packed))).hex()
    assert len(version.content.digests) == 3


def test_an_object_is_charged_like_any_other_and_given_back(pithos: PithosObjects, alice: Caller) -> None:
    before = usage(alice)
    made = pithos.put(alice, pieces(CONTENT), name="x")
    assert usage(alice) - before == len(CONTENT)
    pithos.hold(made)
    pithos.set_properties(alice, made.uuid, {"plankton:name": "x"})
    assert usage(alice) - before == len(CONTENT)
    pithos.remove(alice, made.uuid)
    assert usage(alice) == before


def test_an_overwritten_object_is_found_anew_and_held_as_it_was(pithos: PithosObjects, alice: Caller) -> None:
    made = pithos.put(alice, [b"old"], name="x")
    path = ObjectPath(alice.user, "images", "x")
    again = pithos.put(alice, [b"new"], name="y")
    content = Version.objects.get(pk=again.version).content
    namespace.write(alice, path, content, content_type="text/plain", attributes={})
    assert text_of(pithos, pithos.hold(made)) == b"old"
    now = pithos.find(alice, made.location)
    assert (now.uuid, now.location) == (made.uuid, made.location)
    assert now.version > made.version
    assert pithos.head(now, 9) == b"new"


def test_an_object_with_other_content_is_not_removed_for_what_it_had(
    pithos: PithosObjects, alice: Caller
) -> None:
    made = pithos.put(alice, [b"old"], name="x")
    other = Version.objects.get(pk=pithos.put(alice, [b"new"], name="y").version).content
    path = ObjectPath(alice.user, "images", "x")
    namespace.write(alice, path, other, content_type="text/plain", attributes={})
    pithos.remove(alice, made.uuid, only=made.hash)
    assert pithos.find(alice, made.location).uuid == made.uuid
    pithos.remove(alice, made.uuid, only=other.hash)
    with pytest.raises(faults.ItemNotFound):
        pithos.find(alice, made.location)


def test_a_version_that_is_gone_cannot_be_held(pithos: PithosObjects, alice: Caller) -> None:
    containers.put(alice, alice.user, "images", attributes={}, policy={"versioning": "none"})
    made = pithos.put(alice, [b"old"], name="x")
    pithos.remove(alice, made.uuid)
    for call in (lambda: pithos.hold(made), lambda: pithos.head(made, 1)):
        with pytest.raises(faults.ItemNotFound):
            call()


def test_properties_stand_at_the_object_wherever_it_moves(pithos: PithosObjects, alice: Caller) -> None:
    made = pithos.put(alice, [b"x"], name="x")
    source, target = (ObjectPath(alice.user, "images", name) for name in ("x", "moved here"))
    namespace.move(alice, source, target, namespace.Overrides())
    found = pithos.set_properties(alice, made.uuid, {"plankton:name": "Übung", "plankton:empty": ""})
    assert found is not None
    assert found.location == f"pithos://{alice.user}/images/moved%20here"
    assert namespace.get(alice, target).attributes["plankton"] == {"plankton:name": "Übung"}
    pithos.set_properties(alice, made.uuid, {})
    assert "plankton" not in namespace.get(alice, target).attributes
    pithos.remove(alice, made.uuid)
    assert pithos.set_properties(alice, made.uuid, {"plankton:name": "x"}) is None


def test_holds_tell_their_blocks_until_they_are_released(pithos: PithosObjects, alice: Caller) -> None:
    made = pithos.put(alice, pieces(CONTENT), name="x")
    digests = Version.objects.get(pk=made.version).content.digests
    blocks = {digests[0], digests[2]}
    first, second = pithos.hold(made), pithos.hold(made)
    Version.objects.all().delete()
    assert owners.needed(blocks, 0, owners.PARTS) == blocks
    pithos.release(first)
    assert owners.needed(blocks, 0, owners.PARTS) == blocks
    pithos.release(second)
    assert owners.needed(blocks, 0, owners.PARTS) == set()
    assert not HashMap.objects.exclude(holds=None).exists()
    assert not Hold.objects.exists()


def test_what_a_project_makes_is_in_the_projects_account(
    pithos: PithosObjects, alice: Caller, people: People
) -> None:
    mate = people.bob.caller.in_project(alice.project)
    assert mate.scope is Scope.PROJECT
    made = pithos.put(mate, [b"x"], name="x")
    assert made.location.startswith(f"pithos://{alice.project}/images/")


def test_a_name_is_given_as_often_as_it_is_wanted(store: ObjectStore, alice: Caller) -> None:
    first = store.put(alice, [b"1"], name="same")
    made = [store.put(alice, [str(number).encode()], name="same") for number in range(3)]
    assert len({one.location for one in (first, *made)}) == 4


# -- which store ------------------------------------------------------------------------------------
def test_files_of_people_are_in_pithos_and_those_of_the_cloud_in_the_directory(
    settings: Any, alice: Caller
) -> None:
    assert isinstance(objects.store_for(alice), PithosObjects)
    assert isinstance(objects.store_for(system_caller()), DirectoryStore)
    settings.SYNNEFO_SERVICES = ["astakos", "cyclades"]
    assert isinstance(objects.store_for(alice), DirectoryStore)
    settings.SYNNEFO_OBJECTS = objects.PITHOS_ADAPTER
    assert isinstance(objects.store_for(alice), PithosObjects)


def test_addresses_lead_to_their_store_whatever_is_set(settings: Any, alice: Caller) -> None:
    assert isinstance(objects.store_of("pithos:x"), PithosObjects)
    assert isinstance(objects.store_of("directory://x"), DirectoryStore)
    with pytest.raises(faults.ItemNotFound):
        objects.store_of("rados://x")
