"""Memory for blocks that are on their way to a store, used again and again.

The system clears memory before a process may touch it, which takes as long as hashing what comes there. It
is aligned to pages, large ones where there are any, so that a medium may take blocks right out of it.
"""

from __future__ import annotations

import mmap
from contextlib import suppress

#: So many are held by a process while nobody needs them.
_SPARE = 6
_spare: list[mmap.mmap] = []


def take(size_bytes: int) -> memoryview:
    """Memory of that size, with anything in it; the caller's alone."""
    with suppress(IndexError):
        found = _spare.pop()
        if len(found) == size_bytes:
            return memoryview(found)
    made = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a system without them
        made.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(made)


def give_back(view: memoryview) -> None:
    """What was taken, or a part of it; nobody may look at it any more. Memory that is not given back is freed
    when nobody does."""
    memory = view.obj
    view.release()
    if isinstance(memory, mmap.mmap) and len(_spare) < _SPARE:
        _spare.append(memory)
