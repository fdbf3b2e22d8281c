"""The arithmetic of block and object hashes. Digests are raw bytes here; clients see them in hex.

A block's hash is taken after all NULs at its end are stripped, so a block of NULs alone (a hole) has the
hash of nothing. An object's hash is the root of a binary tree over its blocks' hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

ALGORITHM = "sha256"
DIGEST_BYTES = 32
HOLE = hashlib.sha256(b"").digest()

#: A block, where it may be a part of memory that is somebody else's afterwards.
Data = bytes | memoryview

_NO_BLOCK = bytes(DIGEST_BYTES)
_LOOKED_AT_BYTES = 4096


def kept_of(data: Data) -> tuple[Data, bytes]:
    """What is kept of a block, and its hash."""
    kept = data[: _length_kept(data)]
    return kept, hashlib.sha256(kept).digest()


def _length_kept(data: Data) -> int:
    """Looked for piece by piece from the end: most blocks end in something else, and are not copied."""
    end = len(data)
    while end:
        start = max(0, end - _LOOKED_AT_BYTES)
        if found := bytes(data[start:end]).rstrip(b"\0"):
            return start + len(found)
        end = start
    return 0


def block_hash(data: Data) -> bytes:
    return kept_of(data)[1]


def top_hash(digests: Sequence[bytes]) -> bytes:
    """The hash of an object with these blocks: the row is filled up to a power of two, then paired."""
    if not digests:
        return HOLE
    level = list(digests)
    while len(level) & (len(level) - 1):
        level.append(_NO_BLOCK)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [hashlib.sha256(left + right).digest() for left, right in pairs]
    return level[0]


def block_count(size_bytes: int, block_size: int) -> int:
    return -(-size_bytes // block_size)


def pack(digests: Iterable[bytes]) -> bytes:
    return b"".join(digests)


def unpack(packed: bytes) -> Iterator[bytes]:
    for start in range(0, len(packed), DIGEST_BYTES):
        yield packed[start : start + DIGEST_BYTES]


def parse_hex(text: str) -> bytes:
    """A digest as clients write it. Raises ValueError."""
    digest = bytes.fromhex(text)
    if len(digest) != DIGEST_BYTES or len(text) != 2 * DIGEST_BYTES:
        raise ValueError(f"{text!r} is no {ALGORITHM} hash")
    return digest
