"""The objects seam: bytes by name, for images (and later snapshots).

Cyclades puts and gets whole files through it and remembers the location it is given; where they
live is the adapter's business (``SYNNEFO_OBJECTS``): a directory of this machine here.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from django.conf import settings
from django.utils.module_loading import import_string


@dataclasses.dataclass(frozen=True, slots=True)
class StoredObject:
    """Content at rest: its location (a URL of the store), length and SHA-256 in hex."""

    location: str
    size_bytes: int
    sha256: str


class ObjectStore(Protocol):
    """Errors: ItemNotFound for an unknown location; OSError where the medium fails (disk full)."""

    def put(self, stream: BinaryIO, *, check: Callable[[Path], None] | None = None) -> StoredObject:
        """Keep a stream's content whole or not at all; ``check`` may refuse the finished file."""

    def local_path(self, location: str) -> Path:
        """A file on this host with exactly that content; must not be written to."""

    def delete(self, location: str) -> None:
        """Forget it; absent is success."""


@functools.cache
def objects() -> ObjectStore:
    adapter: Any = import_string(settings.SYNNEFO_OBJECTS)
    return adapter()  # type: ignore[no-any-return]
