"""The contract of block stores. One suite (``tests/pithos/test_blocks.py``) runs on all of them."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string


class Blocks(Protocol):
    """Blocks by the digest of their content. Safe to use from many threads and processes at once.

    The hole (a block of NULs) is always there and takes no space.
    """

    def put(self, data: bytes) -> bytes:
        """Keep a block and return its digest; it is on the medium when this returns.

        NULs at its end are not kept. Putting what is there renews its age. Raises InsufficientStorage.
        """

    def get(self, digest: bytes) -> bytes:
        """The block without NULs at its end. Raises ItemNotFound."""

    def missing(self, digests: Iterable[bytes]) -> list[bytes]:
        """Those that are not kept, each once, in the order of their first occurrence."""

    def stored(self) -> Iterator[tuple[bytes, datetime.datetime]]:
        """Every block with the time when it was last put, in no order."""

    def delete(self, digest: bytes) -> None:
        """Forget a block; absent is success. Only for one that no object has."""


@functools.cache
def blocks() -> Blocks:
    """The store that this installation uses."""
    adapter: Any = import_string(settings.PITHOS_BLOCKS)
    return adapter()  # type: ignore[no-any-return]
