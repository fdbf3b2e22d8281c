"""Content made of other content: by the digests of blocks where these begin at the same places, else anew.

Memory is bounded by the block size, but for the digests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.content import Content, keep, of_digests, read
from synnefo.pithos.blocks.hashing import block_count


def cut_out(store: Blocks, content: Content, start: int, stop: int, block_size: int) -> Content:
    """The bytes ``start`` up to, not including, ``stop``; what begins with a block is not copied.

    Its MD5 is not known then.
    """
    if content.data is not None or start % block_size:
        return keep(store, read(store, content, block_size, start, stop), block_size, inline_bytes=0)
    whole = stop // block_size
    if stop == content.size_bytes:
        whole = block_count(stop, block_size)
    digests = content.digests[start // block_size : whole]
    if whole * block_size < stop:
        digests.append(store.put(b"".join(read(store, content, block_size, whole * block_size, stop))))
    return of_digests(digests, stop - start)


def joined(store: Blocks, parts: Sequence[Content], block_size: int) -> Content:
    """All of them in a row, none of them small content that is in no store.

    Blocks are taken over as they are up to the first part that ends amid one.
    """
    if len(parts) == 1:
        return parts[0]
    digests, size_bytes = list[bytes](), sum(part.size_bytes for part in parts)
    for number, part in enumerate(parts):
        if part.size_bytes % block_size and number < len(parts) - 1:
            rest = keep(store, _read_all(store, parts[number:], block_size), block_size, inline_bytes=0)
            return of_digests([*digests, *rest.digests], size_bytes) if digests else rest
        digests += part.digests
    return of_digests(digests, size_bytes)


def aligned(sizes_bytes: Sequence[int], block_size: int) -> bool:
    """Whether parts of these lengths are joined without reading them."""
    return not any(size_bytes % block_size for size_bytes in sizes_bytes[:-1])


def _read_all(store: Blocks, parts: Sequence[Content], block_size: int) -> Iterator[bytes]:
    for part in parts:
        yield from read(store, part, block_size, 0, part.size_bytes)
