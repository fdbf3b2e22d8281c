"""Content made of blocks: cutting a stream into blocks, reading ranges, changing a part.

Memory is bounded by the block size, whatever the length of the content. Very small content comes to no
store: it is carried along whole, to stand in the row that names it. Its hashes are those of its block.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from django.conf import settings

from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.buffers import give_back, take
from synnefo.pithos.blocks.hashing import HOLE, block_count, block_hash, pack, top_hash, unpack

_WRITERS = 32
#: So many blocks of an upload are in memory besides the one that comes in.
_ON_THEIR_WAY = 2
_WORTH_A_THREAD_BYTES = 256 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """What an object holds: its blocks' digests (packed), its length; ``md5`` is empty if not known.

    Content with ``data`` is small, its block is in no store, and its MD5 is known.
    """

    packed: bytes
    size_bytes: int
    md5: str = ""
    data: bytes | None = None

    @property
    def digests(self) -> list[bytes]:
        return list(unpack(self.packed))

    @property
    def hash(self) -> str:
        return top_hash(self.digests).hex()


EMPTY = Content(b"", 0, hashlib.md5(b"", usedforsecurity=False).hexdigest())


class Source(Protocol):
    """A stream that comes right into the memory of blocks."""

    def readinto(self, memory: memoryview) -> int:
        """Fill the memory, unless the stream ends before; returns how much came."""


def keep(
    store: Blocks, chunks: Iterable[bytes] | Source, block_size: int, *, inline_bytes: int | None = None
) -> Content:
    """Store a stream of bytes that comes in pieces of any size.

    Content of at most ``inline_bytes`` (by default ``PITHOS_INLINE_BYTES``) that does not fill a block is
    not stored, but carried along.
    """
    most = min(settings.PITHOS_INLINE_BYTES if inline_bytes is None else inline_bytes, block_size - 1)
    writing = _Writing(store, block_size)
    for block in cut(chunks, block_size):
        if len(block) <= most and not writing.size_bytes:
            return _inline(block)
        writing.put(block)
    return writing.content()


def _inline(block: memoryview) -> Content:
    data = bytes(block)
    give_back(block)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return Content(block_hash(data), len(data), md5, data)


class _Writing:
    """Stores blocks, and takes the MD5 of all, behind the caller, who meanwhile receives the next one:
    hashing and writing let other threads run, and media sync two blocks in hardly more time than one. The
    last block is hashed by the caller, who has nothing else to do; short ones are not worth a thread."""

    def __init__(self, store: Blocks, block_size: int) -> None:
        self.size_bytes = 0
        self._store = store
        self._block_size = block_size
        self._pending = deque[tuple[Future[bytes], memoryview]]()
        self._digests: list[bytes] = []
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._hashing: Future[None] | None = None

    def put(self, block: memoryview) -> None:
        """The memory of the block is no longer the caller's."""
        self.size_bytes += len(block)
        if len(block) < _WORTH_A_THREAD_BYTES:
            self._settle(0)
            self._digests.append(self._store.put(block))
            self._md5.update(block)
            give_back(block)
            return
        self._settle(_ON_THEIR_WAY - 1)
        self._pending.append((_writers().submit(self._store.put, block), block))
        self._hashed()
        if len(block) < self._block_size:
            self._md5.update(block)
        else:
            self._hashing = _writers().submit(self._md5.update, block)

    def content(self) -> Content:
        """What was put; it is stored then."""
        self._settle(0)
        return Content(pack(self._digests), self.size_bytes, self._md5.hexdigest())

    def _settle(self, most: int) -> None:
        """Wait until not more than so many are on their way."""
        while len(self._pending) > most:
            pending, block = self._pending.popleft()
            self._digests.append(pending.result())
            if not self._pending:
                self._hashed()
            give_back(block)

    def _hashed(self) -> None:
        """Wait until the MD5 of all blocks but those that come now is taken: one after the other."""
        if self._hashing is not None:
            self._hashing.result()


@functools.cache
def _writers() -> ThreadPoolExecutor:
    """Made by whoever stores first, for threads do not survive a fork."""
    return ThreadPoolExecutor(_WRITERS, "blocks")


def cut(chunks: Iterable[bytes] | Source, block_size: int) -> Iterator[memoryview]:
    """The same bytes in blocks, to be given back; only the last may be shorter, and none is empty."""
    fill = chunks.readinto if hasattr(chunks, "readinto") else _Poured(chunks).readinto
    length = block_size
    while length == block_size:
        block = take(block_size)
        length = fill(block)
        if length:
            yield block[:length]
        else:
            give_back(block)


class _Poured:
    """A stream of chunks as a source."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._left = memoryview(b"")

    def readinto(self, memory: memoryview) -> int:
        length = 0
        while length < len(memory):
            if not self._left:
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                self._left = memoryview(chunk)
            taken = min(len(self._left), len(memory) - length)
            memory[length : length + taken] = self._left[:taken]
            self._left, length = self._left[taken:], length + taken
        return length


def read(store: Blocks, content: Content, block_size: int, start: int, stop: int) -> Iterator[bytes]:
    """Bytes ``start`` up to, not including, ``stop``; what blocks lack at their end is NULs."""
    stop = min(stop, content.size_bytes)
    if content.data is not None:
        if start < stop:
            yield content.data[start:stop]
        return
    while start < stop:
        number, offset = divmod(start, block_size)
        length = min(block_size - offset, stop - start)
        digest = content.packed[number * len(HOLE) : (number + 1) * len(HOLE)]
        yield store.get(digest)[offset : offset + length].ljust(length, b"\0")
        start += length


def md5_of(store: Blocks, content: Content, block_size: int) -> str:
    """Reads everything."""
    digest = hashlib.md5(usedforsecurity=False)
    for piece in read(store, content, block_size, 0, content.size_bytes):
        digest.update(piece)
    return digest.hexdigest()


def replaced(
    store: Blocks, old: Content, chunks: Iterable[bytes], offset: int, block_size: int
) -> tuple[Content, int]:
    """``old`` with bytes written over it from ``offset`` (at most its length) on; also how many they were.

    Blocks before and behind are taken over as they are; those at the borders are read and joined. Small
    content is written anew.
    """
    if old.data is not None:
        return _small_replaced(store, old.data, chunks, offset, block_size)
    first = offset // block_size
    written = 0

    def counted() -> Iterator[bytes]:
        nonlocal written
        yield from read(store, old, block_size, first * block_size, offset)
        for chunk in chunks:
            written += len(chunk)
            yield chunk
        end = offset + written
        yield from read(store, old, block_size, end, -(-end // block_size) * block_size)

    middle = keep(store, counted(), block_size, inline_bytes=0)
    size_bytes = max(old.size_bytes, offset + written)
    behind = first + block_count(middle.size_bytes, block_size)
    digests = [*old.digests[:first], *middle.digests, *old.digests[behind:]]
    return Content(pack(digests), size_bytes), written


def _small_replaced(
    store: Blocks, old: bytes, chunks: Iterable[bytes], offset: int, block_size: int
) -> tuple[Content, int]:
    written = 0

    def joined() -> Iterator[bytes]:
        nonlocal written
        yield old[:offset]
        for chunk in chunks:
            written += len(chunk)
            yield chunk
        yield old[offset + written :]

    return keep(store, joined(), block_size), written


def shortened(store: Blocks, old: Content, size_bytes: int, block_size: int) -> Content:
    """The beginning of ``old``; a block that is cut gets a hash of its own."""
    if old.data is not None:
        return keep(store, [old.data[:size_bytes]], block_size)
    whole, rest = divmod(size_bytes, block_size)
    digests = old.digests[:whole]
    if rest:
        tail = b"".join(read(store, old, block_size, whole * block_size, size_bytes))
        digests.append(store.put(tail))
    return Content(pack(digests), size_bytes)


def of_digests(digests: Sequence[bytes], size_bytes: int) -> Content:
    return Content(pack(digests), size_bytes) if size_bytes else EMPTY
