"""Blocks as files of a directory that all web processes share: ``ab/cd/ef/<hex>``, as Synnefo had them.

A block is written under a temporary name, synced, and renamed; then its directories are synced. So a file
with a final name is whole, and survives whatever dies once ``put`` has returned. What a crash leaves in
``.new`` is swept when it is a day old.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import structlog
from django.conf import settings

from synnefo.common.faults import InsufficientStorage, ItemNotFound
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.hashing import HOLE, block_hash, stripped

log = structlog.get_logger("synnefo.pithos")

_FULL = (errno.ENOSPC, errno.EDQUOT)
_ABANDONED_AFTER_S = 24 * 3600
_LEVELS = 3


class FilesystemBlocks(Blocks):
    def __init__(self, directory: Path | None = None) -> None:
        base = settings.PITHOS_BACKEND_BLOCK_PATH or Path(settings.SYNNEFO_DATA) / "pithos"
        self.directory = directory or Path(base) / "blocks"

    def put(self, data: bytes) -> bytes:
        digest = block_hash(data)
        if digest == HOLE:
            return digest
        path = self._path(digest)
        try:
            os.utime(path)
        except FileNotFoundError:
            self._write(path, stripped(data))
        return digest

    def get(self, digest: bytes) -> bytes:
        if digest == HOLE:
            return b""
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError:
            log.error("a block is not there", digest=digest.hex())
            raise ItemNotFound("A block of this object is not there.") from None

    def missing(self, digests: Iterable[bytes]) -> list[bytes]:
        return [one for one in dict.fromkeys(digests) if one != HOLE and not self._path(one).exists()]

    def stored(self) -> Iterator[tuple[bytes, datetime.datetime]]:
        for path in self.directory.glob("/".join(["[0-9a-f][0-9a-f]"] * _LEVELS + ["*"])):
            with contextlib.suppress(FileNotFoundError):
                since = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
                yield bytes.fromhex(path.name), since

    def delete(self, digest: bytes) -> None:
        self._path(digest).unlink(missing_ok=True)

    def sweep(self) -> int:
        """Remove what interrupted writes left behind; returns how many files that were."""
        border = time.time() - _ABANDONED_AFTER_S
        abandoned = [path for path in (self.directory / ".new").glob("*") if path.stat().st_mtime < border]
        for path in abandoned:
            path.unlink(missing_ok=True)
        return len(abandoned)

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self.directory / name[0:2] / name[2:4] / name[4:6] / name

    def _write(self, path: Path, content: bytes) -> None:
        try:
            new = self._written(content)
            try:
                self._make_directories(path.parent)
                new.rename(path)
            finally:
                new.unlink(missing_ok=True)
            _sync(path.parent)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            log.error("the block store is full", directory=str(self.directory))
            raise InsufficientStorage("There is no space left for objects.") from error

    def _written(self, content: bytes) -> Path:
        """A synced file of the content under a temporary name."""
        nursery = self.directory / ".new"
        nursery.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=nursery)
        new = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            new.chmod(0o640)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        return new

    def _make_directories(self, directory: Path) -> None:
        """Make a block's directories. One that is there may be another writer's, not synced yet."""
        wanted = [directory, *directory.parents[: _LEVELS - 1]]
        if all(one.is_dir() for one in wanted):
            _sync(directory.parent)
            return
        for one in reversed(wanted):
            one.mkdir(exist_ok=True)
            _sync(one.parent)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
