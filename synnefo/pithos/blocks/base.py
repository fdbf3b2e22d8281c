"""The contract of block stores. One suite (``tests/pithos/test_blocks.py``) runs on all of them."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from synnefo.pithos.blocks.hashing import Data


class Blocks(Protocol):
    """Blocks by the digest of their content. Safe to use from many threads and processes at once.

    The hole (a block of NULs) is always there and takes no space.
    """

    def put(self, data: Data) -> bytes:
        """Keep a block and return its digest; it is on the medium when this returns.

        NULs at its end are not kept. Putting what is there renews its age. The memory of ``data`` is the
        caller's again afterwards. Raises InsufficientStorage.
        """

    def get(self, digest: bytes) -> bytes:
        """The block without NULs at its end. Raises ItemNotFound."""

    def missing(self, digests: Iterable[bytes]) -> list[bytes]:
        """Those that are not kept, each once, in the order of their first occurrence.

        Those that are kept begin a new age, as if they were put.
        """

    def stored(self, part: int) -> Iterator[tuple[bytes, datetime.datetime]]:
        """Blocks whose digest begins with a byte, with the time when their age began, in no order."""

    def put_aside(self, digest: bytes) -> None:
        """Take a block out of its place. Whoever asks for it finds it all the same, and it is back there."""

    def aside(self, part: int) -> Iterator[tuple[bytes, datetime.datetime]]:
        """Blocks that are put aside, with the time when that was; as ``stored``, which leaves them out."""

    def delete_aside(self, digest: bytes) -> None:
        """Forget a block that is put aside; for others, and for absent ones, this does nothing."""


@functools.cache
def blocks() -> Blocks:
    """The store that this installation uses."""
    adapter: Any = import_string(settings.PITHOS_BLOCKS)
    return adapter()  # type: ignore[no-any-return]
