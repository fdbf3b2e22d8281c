"""Images' content on a host: filled once, whole or not at all, and evicted when nothing stands on it."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from synnefo.common.faults import ItemNotFound
from synnefo.cyclades.backends.base import BackendError, BackendUnavailable, DiskImage
from synnefo.cyclades.backends.local.image_cache import ImageCache, used_lately

KIB = 1024


def image(content: bytes) -> DiskImage:
    digest = hashlib.sha256(content).hexdigest()
    return DiskImage(None, "raw", digest, f"pithos:{digest}", len(content))


class Source:
    """Contents by the name of their hold, and how often they were read."""

    def __init__(self, *contents: bytes) -> None:
        self.contents = {image(content).source: content for content in contents}
        self.reads = 0
        self.used: set[Path] = set()

    def read(self, source: str) -> Iterator[bytes]:
        self.reads += 1
        if source not in self.contents:
            raise ItemNotFound("This content is not kept.")
        content = self.contents[source]
        for start in range(0, len(content), 64 * KIB):
            yield content[start : start + 64 * KIB]

    def cache(self, directory: Path, limit_bytes: int = 1024 * KIB) -> ImageCache:
        return ImageCache(directory / "cache", self.read, limit_bytes=limit_bytes, in_use=lambda: self.used)


def name(content: bytes) -> str:
    """Of the file that keeps it."""
    return f"{image(content).hash}-{len(content)}"


def kept(directory: Path) -> set[str]:
    return {path.name for path in (directory / "cache").iterdir() if path.is_file()}


def test_content_is_brought_once(tmp_path: Path) -> None:
    content = os.urandom(200 * KIB)
    source = Source(content)
    for _ in range(2):
        cache = source.cache(tmp_path)
        assert cache.prepare(image(content))
        with cache.using(image(content)) as path:
            assert path.read_bytes() == content
    assert source.reads == 1
    assert path.stat().st_mode & 0o222 == 0


def test_holes_stay_holes(tmp_path: Path) -> None:
    content = b"x" * 64 * KIB + bytes(64 * 64 * KIB) + b"y" + bytes(64 * KIB - 1) + bytes(64 * KIB)
    with Source(content).cache(tmp_path).using(image(content)) as path:
        assert path.read_bytes() == content
        assert path.stat().st_blocks * 512 < len(content) // 4


def test_content_of_another_length_is_other_content_whatever_its_hash(tmp_path: Path) -> None:
    source = Source(b"whole", b"who")
    same = image(b"whole").hash
    cache = source.cache(tmp_path)
    for content in (b"whole", b"who"):
        wanted = DiskImage(None, "raw", same, image(content).source, len(content))
        with cache.using(wanted) as path:
            assert path.read_bytes() == content


def test_what_is_a_file_of_this_host_already_is_used_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"x")
    cache = Source().cache(tmp_path)
    here = DiskImage(tmp_path / "disk", "raw", "whatever")
    assert cache.prepare(here)
    with cache.using(here) as path:
        assert path == tmp_path / "disk"


def test_content_that_cannot_be_had_leaves_nothing(tmp_path: Path) -> None:
    content = os.urandom(100 * KIB)
    short = Source(content)
    wanted = image(content)
    short.contents[wanted.source] = content[:-1]
    with pytest.raises(BackendError, match="has 102399 bytes, not 102400"):
        short.cache(tmp_path).prepare(wanted)
    with pytest.raises(BackendUnavailable, match="not kept"):
        Source().cache(tmp_path).prepare(wanted)

    def damaged(source: str) -> Iterator[bytes]:
        yield content[:1000]
        raise OSError("the block is damaged")

    with pytest.raises(BackendError, match="damaged"):
        ImageCache(tmp_path / "cache", damaged, limit_bytes=0, in_use=set).prepare(wanted)
    assert kept(tmp_path) == set()


def test_a_hash_that_is_a_path_is_refused(tmp_path: Path) -> None:
    for name in ("", "../x", "a" * 15, "A" * 64, "/etc/passwd"):
        with pytest.raises(BackendError, match="names no content"):
            Source().cache(tmp_path).prepare(DiskImage(None, "raw", name, "pithos:x", 1))


def test_two_who_want_the_same_at_once_get_one_file(tmp_path: Path) -> None:
    content = os.urandom(200 * KIB)
    source = Source(content)
    entered, go_on = threading.Event(), threading.Event()
    answers: list[bool] = []

    def slow(name: str) -> Iterator[bytes]:
        entered.set()
        assert go_on.wait(30)
        yield from source.read(name)

    first = ImageCache(tmp_path / "cache", slow, limit_bytes=10**6, in_use=set)
    thread = threading.Thread(target=lambda: answers.append(first.prepare(image(content))))
    thread.start()
    assert entered.wait(30)
    second = source.cache(tmp_path)
    assert second.prepare(image(content)) is False, "somebody is bringing it"
    with pytest.raises(BackendUnavailable, match="being brought"), second.using(image(content)):
        pytest.fail("the content is not there yet")
    go_on.set()
    thread.join(30)
    assert answers == [True]
    assert second.prepare(image(content))
    assert source.reads == 1


KILLED = """
import sys
from pathlib import Path
from synnefo.cyclades.backends.base import DiskImage
from synnefo.cyclades.backends.local.image_cache import ImageCache
def read(source):
    yield b"x" * 100_000
    print("half", flush=True)
    sys.stdin.read()
cache = ImageCache(Path(sys.argv[1]), read, limit_bytes=10**9, in_use=set)
cache.prepare(DiskImage(None, "raw", sys.argv[2], "x", 200_000))
"""


def test_whoever_is_killed_midway_leaves_nothing_that_is_used(tmp_path: Path) -> None:
    content = b"x" * 200_000
    command = [sys.executable, "-c", KILLED, str(tmp_path / "cache"), image(content).hash]
    victim = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert victim.stdout is not None
    assert victim.stdin is not None
    assert victim.stdout.readline() == b"half\n"
    source = Source(content)
    assert source.cache(tmp_path).prepare(image(content)) is False
    victim.send_signal(signal.SIGKILL)
    victim.wait(30)
    victim.stdin.close()
    victim.stdout.close()
    assert kept(tmp_path) == {f".{name(content)}.new"}
    other = os.urandom(1000)
    source.contents[image(other).source] = other
    assert source.cache(tmp_path).prepare(image(other))
    assert kept(tmp_path) == {name(other)}, "the draft was swept"
    with source.cache(tmp_path).using(image(content)) as path:
        assert path.read_bytes() == content


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    contents = [os.urandom(100 * KIB) for _ in range(4)]
    source = Source(*contents)
    cache = source.cache(tmp_path, limit_bytes=350 * KIB)
    for age, content in enumerate(contents[:3]):
        cache.prepare(image(content))
        os.utime(tmp_path / "cache" / name(content), (1000 + age, 1000 + age))
    cache.prepare(image(contents[0]))
    cache.prepare(image(contents[3]))
    assert kept(tmp_path) == {name(contents[number]) for number in (0, 2, 3)}


def test_what_disks_stand_on_stays_even_above_the_limit(tmp_path: Path) -> None:
    contents = [os.urandom(100 * KIB) for _ in range(4)]
    source = Source(*contents)
    cache = source.cache(tmp_path, limit_bytes=150 * KIB)
    for content in contents[:3]:
        cache.prepare(image(content))
        source.used.add(tmp_path / "cache" / name(content))
    cache.prepare(image(contents[3]))
    assert len(kept(tmp_path)) == 4
    source.used.clear()
    with cache.using(image(contents[3])):
        source.contents[image(b"new").source] = b"new"
        cache.prepare(image(b"new"))
        assert kept(tmp_path) == {name(contents[3]), name(b"new")}, "what is held stays, too"


def test_what_was_asked_for_lately_is_in_use_for_engines_that_do_not_tell(tmp_path: Path) -> None:
    for name, age_s in (("new", 0), ("old", 2 * 24 * 3600)):
        path = tmp_path / name
        path.write_bytes(b"")
        when = path.stat().st_mtime - age_s
        os.utime(path, (when, when))
    assert used_lately(tmp_path) == {tmp_path / "new"}


@pytest.mark.parametrize("kind", ["monolithicSparse", "streamOptimized"])
@pytest.mark.parametrize("is_file", [False, True])
def test_a_vmdk_is_kept_as_the_qcow2_that_it_becomes(tmp_path: Path, kind: str, is_file: bool) -> None:
    disk = os.urandom(64 * KIB) + bytes(960 * KIB)
    (tmp_path / "raw").write_bytes(disk)
    convert = ["qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", f"subformat={kind}"]
    subprocess.run([*convert, str(tmp_path / "raw"), str(tmp_path / "d")], check=True, timeout=60)
    content = (tmp_path / "d").read_bytes()
    source = Source(content)
    plain = image(content)
    place, hold = (tmp_path / "d", "") if is_file else (None, plain.source)
    wanted = DiskImage(place, "vmdk", plain.hash, hold, plain.size_bytes)
    with source.cache(tmp_path).using(wanted) as file:
        assert wanted.kept_format == "qcow2"
        back = ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(file), str(tmp_path / "back")]
        subprocess.run(back, check=True, timeout=60)
    assert (tmp_path / "back").read_bytes() == disk
    assert kept(tmp_path) == {name(content)}
    assert source.reads == (0 if is_file else 1)


def test_a_vmdk_with_a_parent_is_refused(tmp_path: Path) -> None:
    make = ["qemu-img", "create", "-q", "-f", "vmdk"]
    subprocess.run([*make, str(tmp_path / "base"), "1M"], check=True, timeout=60)
    child = [*make, "-b", str(tmp_path / "base"), "-F", "vmdk", str(tmp_path / "child")]
    subprocess.run(child, check=True, timeout=60)
    content = (tmp_path / "child").read_bytes()
    wanted = DiskImage(None, "vmdk", image(content).hash, image(content).source, len(content))
    with (
        pytest.raises(BackendError, match="refers to another file"),
        Source(content).cache(tmp_path).using(wanted),
    ):
        pass
    assert kept(tmp_path) == set()
