"""Blocks in this process's memory, for tests."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Iterable, Iterator

from django.utils import timezone

from synnefo.common.faults import InsufficientStorage, ItemNotFound
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.hashing import HOLE, Data, kept_of

_Kept = dict[bytes, tuple[bytes, datetime.datetime]]


class MemoryBlocks(Blocks):
    def __init__(self, capacity_bytes: int | None = None) -> None:
        self.capacity_bytes = capacity_bytes
        self._kept: _Kept = {}
        self._put_aside: _Kept = {}
        self._lock = threading.RLock()

    def put(self, data: Data) -> bytes:
        kept, digest = kept_of(data)
        with self._lock:
            if self._renewed(digest):
                return digest
            used = sum(len(content) for content, _ in self._kept.values())
            if self.capacity_bytes is not None and used + len(kept) > self.capacity_bytes:
                raise InsufficientStorage
            self._kept[digest] = (bytes(kept), timezone.now())
        return digest

    def get(self, digest: bytes) -> bytes:
        if digest == HOLE:
            return b""
        with self._lock:
            if not self._renewed(digest):
                raise ItemNotFound("A block of this object is not there.")
            return self._kept[digest][0]

    def missing(self, digests: Iterable[bytes]) -> list[bytes]:
        with self._lock:
            return [one for one in dict.fromkeys(digests) if not self._renewed(one)]

    def stored(self, part: int) -> Iterator[tuple[bytes, datetime.datetime]]:
        yield from _listed(self._kept, part)

    def put_aside(self, digest: bytes) -> None:
        with self._lock:
            if digest in self._kept:
                self._put_aside[digest] = (self._kept.pop(digest)[0], timezone.now())

    def aside(self, part: int) -> Iterator[tuple[bytes, datetime.datetime]]:
        yield from _listed(self._put_aside, part)

    def delete_aside(self, digest: bytes) -> None:
        with self._lock:
            self._put_aside.pop(digest, None)

    def _renewed(self, digest: bytes) -> bool:
        found = self._put_aside.pop(digest, None) or self._kept.get(digest)
        if found:
            self._kept[digest] = (found[0], timezone.now())
        return found is not None or digest == HOLE


def _listed(kept: _Kept, part: int) -> list[tuple[bytes, datetime.datetime]]:
    return [(digest, since) for digest, (_, since) in list(kept.items()) if digest[0] == part]
