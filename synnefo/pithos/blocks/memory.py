"""Blocks in this process's memory, for tests."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Iterable, Iterator

from django.utils import timezone

from synnefo.common.faults import InsufficientStorage, ItemNotFound
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.hashing import HOLE, block_hash, stripped


class MemoryBlocks(Blocks):
    def __init__(self, capacity_bytes: int | None = None) -> None:
        self.capacity_bytes = capacity_bytes
        self._kept: dict[bytes, tuple[bytes, datetime.datetime]] = {}
        self._lock = threading.Lock()

    def put(self, data: bytes) -> bytes:
        kept, digest = stripped(data), block_hash(data)
        with self._lock:
            if digest not in self._kept and self.capacity_bytes is not None:
                used = sum(len(content) for content, _ in self._kept.values())
                if used + len(kept) > self.capacity_bytes:
                    raise InsufficientStorage
            if digest != HOLE:
                self._kept[digest] = (bytes(kept), timezone.now())
        return digest

    def get(self, digest: bytes) -> bytes:
        if digest == HOLE:
            return b""
        try:
            return self._kept[digest][0]
        except KeyError:
            raise ItemNotFound("A block of this object is not there.") from None

    def missing(self, digests: Iterable[bytes]) -> list[bytes]:
        return [one for one in dict.fromkeys(digests) if one != HOLE and one not in self._kept]

    def stored(self) -> Iterator[tuple[bytes, datetime.datetime]]:
        yield from [(digest, since) for digest, (_, since) in list(self._kept.items())]

    def delete(self, digest: bytes) -> None:
        self._kept.pop(digest, None)
