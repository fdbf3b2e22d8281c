"""Pools as the old database keeps them: a bit for each value, 1 is free; base64, padded to whole bytes.

``available`` is what Cyclades gave out, ``reserved`` what an administrator keeps out. An empty text is a
pool in which everything is free. Pure functions.
"""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Iterable

Range = tuple[int, int]


def taken(text: str, size: int) -> list[int]:
    """The places that are not free, in order. Raises ValueError for what is no map of that size."""
    if not text:
        return []
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"no map: {error}") from None
    if len(data) * 8 < size:
        raise ValueError(f"a map of {len(data) * 8} places for {size}")
    return [place for place in range(size) if not data[place // 8] >> (7 - place % 8) & 1]


def ranges(numbers: Iterable[int]) -> list[Range]:
    """Ascending numbers as [first, last] pairs."""
    found = []
    for _, run in itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        found.append((members[0], members[-1]))
    return found
