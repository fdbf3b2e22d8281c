"""The contract of block stores, on every store; and the arithmetic of hashes."""

from __future__ import annotations

import dataclasses
import datetime
import errno
import fcntl
import hashlib
import io
import mmap
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from synnefo.common.faults import InsufficientStorage, ItemNotFound
from synnefo.pithos.blocks import buffers, content, hashing
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.filesystem import FilesystemBlocks
from synnefo.pithos.blocks.memory import MemoryBlocks
from synnefo.pithos.blocks.s3 import S3Blocks
from tests.pithos_s3.server import Server
from tests.pithos_s3.server import server as server

BUCKET = "blocks"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture(params=["filesystem", "memory", pytest.param("s3", marks=pytest.mark.host)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Blocks:
    if request.param == "s3":
        return S3Blocks(request.getfixturevalue("bucket"), BUCKET, prefix=f"{os.urandom(8).hex()}/")
    return FilesystemBlocks(tmp_path / "blocks") if request.param == "filesystem" else MemoryBlocks()


@pytest.fixture(scope="module")
def bucket(server: Server) -> Any:
    """A client of the product's own S3, and a bucket."""
    client = server.client(server.alice)
    client.create_bucket(Bucket=BUCKET)
    return client


def test_a_block_comes_back_by_the_hash_of_its_content(store: Blocks) -> None:
    digest = store.put(b"hello")
    assert digest == hashlib.sha256(b"hello").digest()
    assert store.get(digest) == b"hello"


def test_nuls_at_the_end_are_not_kept(store: Blocks) -> None:
    assert store.put(b"\0ab\0\0") == store.put(b"\0ab")
    assert store.get(hashlib.sha256(b"\0ab").digest()) == b"\0ab"


def test_the_memory_of_a_block_is_the_callers_again_once_it_is_kept(store: Blocks) -> None:
    memory = bytearray(b"first\0\0")
    digest = store.put(memoryview(memory))
    memory[:] = b"another"
    assert store.get(digest) == b"first"


@pytest.mark.parametrize("data", [b"", b"\0", bytes(4096)])
def test_the_hole_is_always_there_and_takes_no_space(store: Blocks, data: bytes) -> None:
    assert store.missing([hashing.HOLE]) == []
    assert store.put(data) == hashing.HOLE
    assert store.get(hashing.HOLE) == b""
    assert everything(store) == {}


def test_missing_ones_are_named_once_in_order(store: Blocks) -> None:
    kept = store.put(b"kept")
    other, third = hashing.block_hash(b"other"), hashing.block_hash(b"third")
    assert store.missing([third, kept, other, hashing.HOLE, third]) == [third, other]


def test_an_unknown_block_is_not_found(store: Blocks) -> None:
    with pytest.raises(ItemNotFound):
        store.get(hashing.block_hash(b"nobody put this"))


def test_all_blocks_are_listed_with_the_time_of_the_last_put(store: Blocks) -> None:
    before = timezone.now() - datetime.timedelta(seconds=1)
    digests = {store.put(b"one"), store.put(b"two")}
    found = everything(store)
    assert set(found) == digests
    assert all(before <= since <= timezone.now() for since in found.values())


def test_blocks_that_are_put_aside_can_be_forgotten(store: Blocks) -> None:
    before = timezone.now() - datetime.timedelta(seconds=1)
    digest, other = store.put(b"short-lived"), store.put(b"stays")
    store.delete_aside(digest)
    assert set(everything(store)) == {digest, other}
    store.put_aside(digest)
    store.put_aside(hashing.block_hash(b"nobody put this"))
    assert (set(everything(store)), [one for one, _ in store.aside(digest[0])]) == ({other}, [digest])
    assert all(before <= since for _, since in store.aside(digest[0]))
    store.delete_aside(digest)
    store.delete_aside(digest)
    assert store.missing([digest]) == [digest]
    with pytest.raises(ItemNotFound):
        store.get(digest)
    assert store.get(other) == b"stays"


@pytest.mark.parametrize("how", ["put", "get", "missing"])
def test_whoever_asks_for_a_block_that_was_put_aside_brings_it_back(store: Blocks, how: str) -> None:
    digest = store.put(b"wanted")
    store.put_aside(digest)
    if how == "put":
        assert store.put(b"wanted") == digest
    elif how == "get":
        assert store.get(digest) == b"wanted"
    else:
        assert store.missing([digest]) == []
    assert (list(store.aside(digest[0])), set(everything(store))) == ([], {digest})
    store.delete_aside(digest)
    assert store.get(digest) == b"wanted"


def everything(store: Blocks) -> dict[bytes, datetime.datetime]:
    return {digest: since for part in range(256) for digest, since in store.stored(part)}


def test_many_writers_of_one_block_end_in_one_block(store: Blocks) -> None:
    data = os.urandom(100_000) + b"."  # NULs at the end would not come back
    threads = [threading.Thread(target=store.put, args=(data,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.get(digest) for digest in everything(store)] == [data]


def lies_as_in_an_old_store(folder: Path, data: bytes) -> Path:
    name = hashlib.sha256(data).hexdigest()
    path = folder / name[0:2] / name[2:4] / name[4:6] / name
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    os.utime(path, (0, 0))
    return path


def test_blocks_of_an_old_store_count_where_they_lie(tmp_path: Path) -> None:
    old = lies_as_in_an_old_store(tmp_path, b"old")
    store, digest = FilesystemBlocks(tmp_path), bytes.fromhex(old.name)
    assert store.get(digest) == b"old"
    assert store.missing([digest]) == []
    assert old.stat().st_mtime > 0  # it is wanted still
    assert store.put(b"old") == digest
    assert store.link(digest, old)
    new = store.put(b"new")
    assert (tmp_path / new.hex()[0:2] / new.hex()).read_bytes() == b"new"
    assert sorted(everything(store)) == sorted([digest, new])
    assert list(tmp_path.rglob(digest.hex())) == [old]


def test_blocks_of_an_old_store_are_put_aside_brought_back_and_forgotten(tmp_path: Path) -> None:
    old = lies_as_in_an_old_store(tmp_path, b"old")
    store, digest = FilesystemBlocks(tmp_path), bytes.fromhex(old.name)
    store.put_aside(digest)
    assert list(everything(store)) == []
    assert store.get(digest) == b"old"
    assert list(everything(store)) == [digest]
    store.put_aside(digest)
    store.delete_aside(digest)
    assert store.missing([digest]) == [digest]
    assert list(tmp_path.rglob(digest.hex())) == []


@pytest.mark.parametrize("how", ["put", "missing"])
def test_what_is_put_or_asked_for_again_begins_a_new_age(tmp_path: Path, how: str) -> None:
    store = FilesystemBlocks(tmp_path)
    digest = store.put(b"again")
    (path,) = [path for path in tmp_path.rglob("*") if path.name == digest.hex()]
    os.utime(path, (0, 0))
    assert store.put(b"again") == digest if how == "put" else store.missing([digest]) == []
    assert path.stat().st_mtime > 0


def test_every_directory_on_the_way_is_synced_before_a_block_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.readlink(f"/proc/self/fd/{handle}")))
    store = FilesystemBlocks(tmp_path)
    name = store.put(b"x").hex()
    assert synced[0].startswith(f"{tmp_path}/.new/")
    assert synced[1:] == [str(tmp_path / name[0:2]), str(tmp_path)]


PAGE, LONG = mmap.PAGESIZE, 256 * 1024


@pytest.mark.parametrize("size_bytes", [LONG - 1, LONG, LONG + 1, LONG + PAGE - 1, LONG + PAGE, 4 * LONG])
@pytest.mark.parametrize("shift", [0, 1, 512])
@pytest.mark.parametrize("flags", ["direct", "none"])
def test_long_blocks_are_whole_wherever_in_memory_they_lie_and_whatever_the_file_system_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, shift: int, size_bytes: int
) -> None:
    def refusing(handle: int, command: int, wanted: int = 0) -> int:
        if wanted & os.O_DIRECT:
            raise OSError(errno.EINVAL, "Invalid argument")
        return 0

    if flags == "none":
        monkeypatch.setattr(fcntl, "fcntl", refusing)
    store, data = FilesystemBlocks(tmp_path), os.urandom(size_bytes - 1) + b"x"
    memory = buffers.take(size_bytes + shift)[shift:]
    memory[:] = data
    digest = store.put(memory)
    assert (digest, store.get(digest)) == (hashlib.sha256(data).digest(), data)
    assert list((tmp_path / ".new").iterdir()) == []


def test_a_block_that_another_writer_has_just_made_counts_when_its_directory_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = FilesystemBlocks(tmp_path).put(b"theirs")
    name = digest.hex()
    folder = tmp_path / name[0:2]
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.readlink(f"/proc/self/fd/{handle}")))
    ours, later = FilesystemBlocks(tmp_path), FilesystemBlocks(tmp_path)
    assert ours.put(b"theirs") == digest
    assert synced[0] == str(folder)
    synced.clear()
    assert ours.missing([digest]) == []
    os.utime(folder / name, (0, 0))
    assert later.missing([digest]) == []
    assert synced == []


@pytest.mark.parametrize("failing", ["fsync", "rename"])
def test_a_full_medium_is_told_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    store = FilesystemBlocks(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "_bring_back", lambda digest: False)
    monkeypatch.setattr(os, failing, full)
    with pytest.raises(InsufficientStorage):
        store.put(b"does not fit")
    monkeypatch.undo()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_full_memory_is_told() -> None:
    store = MemoryBlocks(capacity_bytes=4)
    store.put(b"abcd")
    store.put(b"abcd")
    with pytest.raises(InsufficientStorage):
        store.put(b"e")


def test_what_interrupted_writes_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    store = FilesystemBlocks(tmp_path)
    store.put(b"x")
    old, young = tmp_path / ".new" / "old", tmp_path / ".new" / "young"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (0, 0))
    assert store.sweep() == 1
    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize(
    ("data", "blocks", "top"),
    [
        (b"", [], EMPTY),
        (b"ab\0\0", ["fb8e20fc2e4c"], "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"),
        (
            b"abcd\0\0\0\0",
            ["88d4266fd4e6", "e3b0c44298fc"],
            "618795b153067c09dd1253ac1a8a5398447d0c62232303cef1fb2ee0f39906e9",
        ),
        (
            b"abcdefgh",
            ["88d4266fd4e6", "e5e088a0b661"],
            "7d5473712172f9ec1494baa03da3d8734d12d385d1ca6340856771c3d93382e6",
        ),
        (
            b"abcdefghij",
            ["88d4266fd4e6", "e5e088a0b661", "c9df9c3f2963"],
            "18374008371944fcd365918bfd1187d4edcaaad1ce8dc23e746347129b1f22d1",
        ),
        (
            b"abcdefghijklmnopqr",
            ["88d4266fd4e6", "e5e088a0b661", "005c19658919", "f1afc3147952", "d847acf7bab1"],
            "6abcb011c8afa5d85393fb0508b78ff6ef4107e02540fae9ad8a6b3c124bcd88",
        ),
        (
            bytes(16),
            ["e3b0c44298fc"] * 4,
            "5310a330e8f970388503c73349d80b45cd764db615f1bced2801dcd4524a2ff4",
        ),
    ],
)
def test_hashes_are_those_of_synnefo(data: bytes, blocks: list[str], top: str) -> None:
    kept = content.keep(MemoryBlocks(), [data], 4)
    assert [digest.hex()[:12] for digest in kept.digests] == blocks
    assert kept.hash == top


@pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "ab" * 33, " " + "ab" * 31 + "a"])
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        hashing.parse_hex(text)


DATA = st.binary(max_size=40)
INLINE = st.sampled_from([0, 1, 3, 5, 100])


@pytest.fixture(autouse=True)
def all_in_blocks(settings: Any) -> None:
    settings.PITHOS_INLINE_BYTES = 0


@given(chunks=st.lists(st.binary(max_size=9)), block_size=st.integers(1, 7), inline_bytes=INLINE)
def test_content_does_not_depend_on_how_it_arrives(
    chunks: list[bytes], block_size: int, inline_bytes: int
) -> None:
    store, data = MemoryBlocks(), b"".join(chunks)
    kept = content.keep(store, chunks, block_size, inline_bytes=inline_bytes)
    assert kept == content.keep(store, [data], block_size, inline_bytes=inline_bytes)
    assert kept.md5 == hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert len(kept.digests) == hashing.block_count(len(data), block_size)


@given(data=DATA, block_size=st.integers(1, 50), inline_bytes=INLINE)
def test_small_content_has_the_same_hashes_and_no_block(
    data: bytes, block_size: int, inline_bytes: int
) -> None:
    store, blocks = MemoryBlocks(), MemoryBlocks()
    kept = content.keep(store, [data], block_size, inline_bytes=inline_bytes)
    in_blocks = content.keep(blocks, [data], block_size, inline_bytes=0)
    assert dataclasses.replace(kept, data=None) == in_blocks
    small = 0 < len(data) <= inline_bytes and len(data) < block_size
    assert kept.data == (data if small else None)
    assert everything(store).keys() == (set() if small else everything(blocks).keys())
    assert content.md5_of(store, kept, block_size) == kept.md5


def test_the_limit_of_small_content_is_a_setting(settings: Any) -> None:
    settings.PITHOS_INLINE_BYTES = 3
    store = MemoryBlocks()
    assert [content.keep(store, [data], 100).data for data in (b"abc", b"abcd")] == [b"abc", None]


@given(
    data=DATA,
    start=st.integers(0, 45),
    stop=st.integers(0, 45),
    block_size=st.integers(1, 50),
    inline_bytes=INLINE,
)
def test_a_range_reads_what_is_there(
    data: bytes, start: int, stop: int, block_size: int, inline_bytes: int
) -> None:
    store = MemoryBlocks()
    kept = content.keep(store, [data], block_size, inline_bytes=inline_bytes)
    assert b"".join(content.read(store, kept, block_size, start, stop)) == data[start:stop]


@given(
    data=DATA,
    patch=st.binary(max_size=20),
    at=st.integers(0, 40),
    block_size=st.integers(1, 50),
    inline_bytes=INLINE,
)
def test_a_change_in_place_equals_an_upload_of_the_result(
    data: bytes, patch: bytes, at: int, block_size: int, inline_bytes: int
) -> None:
    store, offset = MemoryBlocks(), min(at, len(data))
    expected = data[:offset] + patch + data[offset + len(patch) :]
    old = content.keep(store, [data], block_size, inline_bytes=inline_bytes)
    made, written = content.replaced(store, old, [patch], offset, block_size)
    assert written == len(patch)
    assert b"".join(content.read(store, made, block_size, 0, made.size_bytes)) == expected
    assert (made.hash, made.size_bytes) == (
        content.keep(store, [expected], block_size).hash,
        len(expected),
    )


@given(data=DATA, length=st.integers(0, 40), block_size=st.integers(1, 50), inline_bytes=INLINE)
def test_cutting_equals_an_upload_of_the_beginning(
    data: bytes, length: int, block_size: int, inline_bytes: int
) -> None:
    store, length = MemoryBlocks(), min(length, len(data))
    old = content.keep(store, [data], block_size, inline_bytes=inline_bytes)
    made = content.shortened(store, old, length, block_size)
    assert b"".join(content.read(store, made, block_size, 0, made.size_bytes)) == data[:length]
    assert made.packed == content.keep(store, [data[:length]], block_size).packed


def test_memory_stays_within_a_few_blocks(
    tmp_path: Path, peak_bytes: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    block_size, store = 256 * 1024, FilesystemBlocks(tmp_path)
    out, most = 0, 0

    def take(size_bytes: int) -> memoryview:
        nonlocal out, most
        out, most = out + 1, max(most, out + 1)
        return buffers.take(size_bytes)

    def give_back(view: memoryview) -> None:
        nonlocal out
        out -= 1
        buffers.give_back(view)

    monkeypatch.setattr(content, "take", take)
    monkeypatch.setattr(content, "give_back", give_back)
    peak = peak_bytes(lambda: content.keep(store, (bytes([n]) * block_size for n in range(40)), block_size))
    assert (out, most <= 4, peak < 3 * block_size) == (0, True, True)


def test_uploads_at_the_same_time_do_not_get_into_each_other(tmp_path: Path) -> None:
    block_size, store = 256 * 1024, FilesystemBlocks(tmp_path)
    uploads = [os.urandom(5 * block_size + number) for number in range(8)]

    def through(data: bytes) -> tuple[bytes, str]:
        kept = content.keep(store, (data[at : at + 99_991] for at in range(0, len(data), 99_991)), block_size)
        return b"".join(content.read(store, kept, block_size, 0, kept.size_bytes)), kept.md5

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(through, uploads))
    assert found == [(data, hashlib.md5(data, usedforsecurity=False).hexdigest()) for data in uploads]


@given(data=DATA, block_size=st.integers(1, 50))
def test_content_that_comes_right_into_blocks_is_what_comes_in_pieces(data: bytes, block_size: int) -> None:
    stream = io.BytesIO(data)

    class Source:
        def readinto(self, memory: memoryview) -> int:
            return stream.readinto(memory)

    store = MemoryBlocks()
    kept = content.keep(store, Source(), block_size, inline_bytes=0)
    assert kept == content.keep(store, [data], block_size, inline_bytes=0)
    assert kept.md5 == hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_an_upload_that_fails_leaves_the_memory_of_its_blocks_alone_until_they_are_written() -> None:
    """Those that are on their way behind the one that failed are not overwritten by the next upload."""
    block_size, going_on, seen = 256 * 1024, threading.Event(), queue.Queue[bytes]()

    class Failing(MemoryBlocks):
        def put(self, data: hashing.Data) -> bytes:
            if data[0] == 1:
                raise InsufficientStorage
            going_on.wait(10)
            seen.put(bytes(data))
            return super().put(data)

    with pytest.raises(InsufficientStorage):
        content.keep(Failing(), [bytes([number]) * block_size for number in (1, 2, 3)], block_size)
    content.keep(MemoryBlocks(), [bytes([number]) * block_size for number in range(9)], block_size)
    going_on.set()
    content.keep(Failing(), [bytes([4]) * block_size], block_size)
    assert bytes([2]) * block_size in [seen.get(timeout=10), seen.get(timeout=10)]


@given(data=st.binary(max_size=20), nuls=st.integers(0, 3 * 4096 + 1))
def test_what_is_kept_of_a_block_is_what_stands_before_its_nuls(data: bytes, nuls: int) -> None:
    block = data + bytes(nuls)
    kept, digest = hashing.kept_of(memoryview(block))
    assert (bytes(kept), digest) == (block.rstrip(b"\0"), hashlib.sha256(block.rstrip(b"\0")).digest())
    assert hashing.kept_of(block) == (kept, digest)
