"""Small content that was read lately, in this process's memory, so that nobody waits for a disk again.

Content is named by its hash, so what is known never changes; whether somebody may read it is asked elsewhere,
each time.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from typing import TypeAlias

from cachetools import LRUCache
from django.conf import settings

from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import Content, read
from synnefo.pithos.blocks.hashing import DIGEST_BYTES, block_hash

#: Longer content would push many others out.
_SMALL_BYTES = 64 * 1024

_Key: TypeAlias = tuple[bytes, int]


def whole(content: Content) -> bytes | Iterator[bytes]:
    """All of it if it is known; else its pieces: who takes them waits for a disk, or for ItemNotFound."""
    with _guard:
        known = _known().get((content.packed, content.size_bytes))
    if known is not None:
        return known
    pieces = read(blocks(), content, settings.PITHOS_BACKEND_BLOCK_SIZE, 0, content.size_bytes)
    is_small = content.size_bytes <= _SMALL_BYTES and len(content.packed) == DIGEST_BYTES
    return _noted(content, pieces) if is_small else pieces


def _noted(content: Content, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What is damaged is not kept: it may be mended."""
    data = b"".join(pieces)
    if len(data) <= _known().maxsize and block_hash(data) == content.packed:
        with _guard:
            _known()[content.packed, content.size_bytes] = data
    yield data


_guard = threading.Lock()


@functools.cache
def _known() -> LRUCache[_Key, bytes]:
    return LRUCache(settings.PITHOS_RECENT_BYTES, getsizeof=len)
