"""Disks that stand on images' content, which the engine reads once and keeps by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from synnefo.common.faults import ItemNotFound
from synnefo.cyclades.backends.base import BackendUnavailable, DiskImage, Fence
from synnefo.cyclades.backends.local import LocalBackend, disks
from synnefo.cyclades.backends.local.fabric_user import UserFabric
from tests.contract.kit import wait_until

from . import guests
from .conftest import PATIENCE_S, finish, is_on, make_spec

pytestmark = pytest.mark.host

KIB = 1024


class Store:
    """Held contents by their holds."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.reads: list[str] = []

    def hold(self, code: bytes) -> DiskImage:
        content = guests.disk(code)
        digest = hashlib.sha256(content).hexdigest()
        self.held[f"pithos:{digest}"] = content
        return DiskImage(None, "raw", digest, f"pithos:{digest}", len(content))

    def read(self, source: str) -> Iterator[bytes]:
        self.reads.append(source)
        if source not in self.held:
            raise ItemNotFound("This content is not kept.")
        yield from (self.held[source][start : start + 64 * KIB] for start in range(0, 2**20, 64 * KIB))


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def backend(data: Path, store: Store) -> Iterator[LocalBackend]:
    """Room for no content beside what is in use."""
    backend = LocalBackend(
        data, "ltst", fabric=UserFabric("ltst", data), accelerator="tcg", read_image=store.read,
        image_cache_bytes=0,
    )  # fmt: skip
    backend.ensure()
    yield backend
    for state in backend.instances():
        backend.delete(state.name, Fence(10**6, 1))


def kept(data: Path) -> set[str]:
    return {path.name for path in (data / "images-cache").iterdir() if path.is_file()}


def name(image: DiskImage) -> str:
    """Of the file that keeps its content."""
    return f"{image.hash}-{image.size_bytes}"


def says(backend: LocalBackend, name: str, words: bytes) -> None:
    wait_until(lambda: words in backend.console_log(name, 4096), PATIENCE_S, f"{words!r} of {name}")


def test_content_is_read_once_and_kept_as_long_as_a_disk_stands_on_it(
    backend: LocalBackend, data: Path, store: Store
) -> None:
    ready, other = store.hold(guests.DEAF), store.hold(guests.POLITE)
    assert backend.prepare_image(ready)
    assert store.reads == [ready.source]
    for instance in ("vm-1", "vm-2"):
        finish(backend, backend.create(make_spec(instance, ready), Fence(1, 1)))
        says(backend, instance, b"READY")
    assert store.reads == [ready.source], "the second one found it"
    disk = data / "volumes" / "vm-1-root" / "disk.qcow2"
    assert disks.backing_file(disk) == data / "images-cache" / name(ready)

    store.held.clear()  # unregistered, the file deleted, its blocks collected
    finish(backend, backend.delete("vm-2", Fence(2, 1)))
    finish(backend, backend.delete_volume("vm-2-root", Fence(2, 1)))
    store.hold(guests.POLITE)
    finish(backend, backend.create(make_spec("vm-3", other), Fence(3, 1)))
    assert kept(data) == {name(ready), name(other)}, "above the limit, but in use"
    finish(backend, backend.stop("vm-1", Fence(4, 1), timeout_s=0))
    finish(backend, backend.start("vm-1", Fence(5, 1)))
    assert is_on(backend, "vm-1")
    says(backend, "vm-1", b"READY\nREADY")

    finish(backend, backend.delete("vm-1", Fence(6, 1)))
    finish(backend, backend.delete_volume("vm-1-root", Fence(6, 1)))
    assert backend.prepare_image(store.hold(guests.BRIEF))
    assert name(ready) not in kept(data), "nothing stood on it any more"
    assert name(other) in kept(data)


def test_a_creation_brings_what_was_evicted_meanwhile(
    backend: LocalBackend, data: Path, store: Store
) -> None:
    image = store.hold(guests.DEAF)
    assert backend.prepare_image(image)
    (data / "images-cache" / name(image)).unlink()
    finish(backend, backend.create(make_spec("vm-1", image), Fence(1, 1)))
    says(backend, "vm-1", b"READY")
    assert store.reads == [image.source] * 2


def test_content_that_is_not_there_is_tried_again(backend: LocalBackend, store: Store) -> None:
    image = store.hold(guests.DEAF)
    store.held.clear()
    with pytest.raises(BackendUnavailable, match="not kept"):
        backend.prepare_image(image)
