"""Images' content for Ganeti: a file that its nodes find under the same path."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import BackendError, DiskImage, GuestSetup, InstanceSpec
from synnefo.cyclades.backends.ganeti import GanetiBackend, GanetiConfig
from synnefo.cyclades.backends.local.image_cache import ImageCache

CONTENT = b"content of a disk"
HASH = hashlib.sha256(CONTENT).hexdigest()
CONFIG = GanetiConfig(url="https://127.0.0.1:1", username="u", password="p")
SPEC = InstanceSpec(
    "snf-1", 1, 64, [], GuestSetup(hostname="h", instance_id="i"), disk_gib=1,
    image=DiskImage(None, "raw", HASH, "pithos:x", len(CONTENT)),
)  # fmt: skip


def read(source: str) -> Iterator[bytes]:
    yield CONTENT


def test_content_becomes_a_file_for_the_nodes(tmp_path: Path) -> None:
    backend = GanetiBackend(CONFIG, ImageCache(tmp_path, read, limit_bytes=0, in_use=set))
    assert SPEC.image is not None
    assert backend.prepare_image(SPEC.image)
    placed = backend.with_file(SPEC)
    file = tmp_path / f"{HASH}-{len(CONTENT)}"
    assert file.read_bytes() == CONTENT
    assert CONFIG.creation_of(placed)["osparams"] == {"img_id": f"file://{file}", "img_format": "diskdump"}
    there = dataclasses.replace(SPEC, image=DiskImage(Path("/images/debian.raw"), "raw"))
    assert backend.with_file(there) == there


def test_without_a_directory_for_it_content_is_refused() -> None:
    with pytest.raises(BackendError, match="no directory"):
        GanetiBackend(CONFIG).with_file(SPEC)
