"""Content of several objects, one after the other, as if it were one's. Memory holds one piece at a time."""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Iterator, Sequence

from django.conf import settings

from synnefo.common.transactions import let_go
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import read
from synnefo.pithos.namespace import manifests


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """The bytes of a version, or of ``data``, from ``start`` up to, not including, ``stop``."""

    version: int
    start: int
    stop: int
    data: bytes | None = None

    @property
    def size_bytes(self) -> int:
        return self.stop - self.start


@dataclasses.dataclass(frozen=True)
class Joined:
    """Read as ``Content`` is; where a version is gone meanwhile, reading ends with an OSError."""

    of: Sequence[Piece]

    @property
    def size_bytes(self) -> int:
        return sum(piece.size_bytes for piece in self.of)

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """Bytes ``start`` up to, not including, ``stop``. While they are taken no connection is held."""
        wanted = self.between(start, stop)
        found = manifests.contents([piece.version for piece in wanted if piece.data is None])
        for piece in wanted:
            if piece.data is not None:
                yield piece.data[piece.start : piece.stop]
                continue
            number, content = next(found, (None, None))
            if number != piece.version or content is None:
                raise OSError(errno.ESTALE, "a part of a large object is gone")
            let_go()
            yield from read(blocks(), content, settings.PITHOS_BACKEND_BLOCK_SIZE, piece.start, piece.stop)

    def between(self, start: int, stop: int) -> list[Piece]:
        """The pieces, and parts of pieces, that these bytes are."""
        found, at = list[Piece](), 0
        for piece in self.of:
            first, last = max(start - at, 0), min(stop - at, piece.size_bytes)
            if first < last:
                place = piece.start + first, piece.start + last
                found.append(Piece(piece.version, *place, piece.data))
            at += piece.size_bytes
        return found
