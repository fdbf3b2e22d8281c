"""The old block store, a directory with ``maps`` and ``blocks``: where things lie, what a map says.

A file lies at ``ab/cd/ef/<name>``: of the SHA-256 of its name since 0.16, of the name itself before. Maps of
before 0.16 are digests, one after the other; later ones (Archipelago's) are a header and files of records.
Blocks come as hard links where the new store is a directory of the same file system; else they are copied,
and then their hash is checked.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.filesystem import FilesystemBlocks
from synnefo.pithos.blocks.hashing import DIGEST_BYTES, HOLE, block_count, block_hash, unpack

_SIGNATURE, _VERSION = b"AMF.", 2
#: Signature, version, size, block size, flags, epoch.
_HEADER = struct.Struct(">4sIQIIQ")
_RECORD_BYTES, _RECORDS = 128, 32768
_ZERO = 4


class UnreadableError(Exception):
    """What is the matter with a map or block; the message says it of any."""


class OldFiles:
    """``store`` is where blocks are brought to; without one nothing is brought, only looked at.

    With ``verify`` each block is read and its hash compared, whether it is copied or not.
    """

    def __init__(self, directory: Path, block_size: int, store: Blocks | None, *, verify: bool) -> None:
        self._directory = directory
        self._block_size = block_size
        self._store = store
        self._verify = verify

    def digests(self, mapfile: str, size_bytes: int, *, plain: bool) -> list[bytes]:
        """The blocks of content; ``plain`` is a map of before 0.16. Raises UnreadableError."""
        wanted = block_count(size_bytes, self._block_size)
        if plain:
            found = self._plain(mapfile)
        else:
            found = [self._digest(flags, name) for flags, name in self._records(mapfile, wanted)]
        if len(found) < wanted:
            raise UnreadableError("map that is shorter than its object")
        return found[:wanted]

    def bring(self, digests: Iterable[bytes]) -> list[tuple[str, str]]:
        """Have these blocks in the new store; those that cannot be had, each with what is the matter.

        They are not synced yet, see ``settle``.
        """
        wanted = set(digests) - {HOLE}
        problems = []
        for digest in self._store.missing(wanted) if self._store else wanted:
            try:
                self._bring(digest)
            except UnreadableError as error:
                problems.append((str(error), digest.hex()))
        return problems

    def settle(self) -> None:
        """What was brought is on the medium when this returns."""
        if self._store is not None:
            os.sync()

    def _bring(self, digest: bytes) -> None:
        path = self._found("blocks", digest.hex())
        if self._verify:
            self._checked(path, digest)
        if self._store is None:
            return
        if not (isinstance(self._store, FilesystemBlocks) and self._store.link(digest, path)):
            self._store.put(self._checked(path, digest))

    def _checked(self, path: Path, digest: bytes) -> bytes:
        data = _read(path)
        if len(data) > self._block_size or block_hash(data) != digest:
            raise UnreadableError("block that is not what its name says")
        return data

    def _plain(self, name: str) -> list[bytes]:
        packed = _read(self._found("maps", name))
        if len(packed) % DIGEST_BYTES:
            raise UnreadableError("map that is cut off")
        return list(unpack(packed))

    def _records(self, mapfile: str, wanted: int) -> Iterator[tuple[int, str]]:
        head = _read(self._found("maps", mapfile))
        if len(head) < _HEADER.size:
            raise UnreadableError("map that is cut off")
        signature, version, _, block_size, _, _ = _HEADER.unpack_from(head)
        if (signature, version) != (_SIGNATURE, _VERSION):
            raise UnreadableError("map of an unknown form")
        if block_size != self._block_size:
            raise UnreadableError(f"map of blocks of {block_size} bytes")
        for part in range(block_count(wanted, _RECORDS)):
            data = _read(self._found("maps", f"{mapfile}_{part:016x}"))
            for start in range(0, len(data) - _RECORD_BYTES + 1, _RECORD_BYTES):
                (length,) = struct.unpack_from("<I", data, start + 1)
                yield data[start], data[start + 5 : start + 5 + length].decode("ascii", "replace")

    def _digest(self, flags: int, name: str) -> bytes:
        """Blocks of objects are named by their digest; those of volumes are not, and are put anew."""
        if flags & _ZERO:
            return HOLE
        try:
            digest = bytes.fromhex(name)
        except ValueError:
            digest = b""
        if len(digest) == DIGEST_BYTES:
            return digest
        data = _read(self._found("blocks", name))
        return self._store.put(data) if self._store else block_hash(data)

    def _found(self, kind: str, name: str) -> Path:
        for spread in (hashlib.sha256(name.encode()).hexdigest(), name):
            path = self._directory / kind / spread[0:2] / spread[2:4] / spread[4:6] / name
            if path.is_file():
                return path
        raise UnreadableError(f"{kind.removesuffix('s')} that is not there")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"file that cannot be read: {error.strerror}") from error
