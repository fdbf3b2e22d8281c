"""Blocks as files of a directory that all web processes share: ``ab/<hex>``.

Synnefo had them as ``ab/cd/ef/<hex>``, which is a directory of its own for nearly every block, to be made and
synced; those that lie there count as well.

A block is written under a temporary name, synced, and renamed; then its directories are synced. So a file
with a final name is whole, and survives whatever dies once ``put`` has returned (unless
``PITHOS_BLOCKS_FSYNC`` is off, which is for tests). Long ones go past the system's cache. What a crash leaves
in ``.new`` is swept when it is a day old. Blocks that are put aside lie in ``.aside``.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import mmap
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from synnefo.common.faults import InsufficientStorage, ItemNotFound
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.hashing import DIGEST_BYTES, HOLE, Data, kept_of

log = structlog.get_logger("synnefo.pithos")

_FULL = (errno.ENOSPC, errno.EDQUOT)
#: Another file system, one without links, too many of them, somebody else's file.
_NO_LINK = (errno.EXDEV, errno.EOPNOTSUPP, errno.EMLINK, errno.EPERM, errno.EACCES)
_ABANDONED_AFTER_S = 24 * 3600
#: Writers sync what they rename at once, and systems what nobody syncs within half a minute.
_SURELY_SYNCED_AFTER_S = 60
_WORTH_DIRECT_BYTES = 256 * 1024
#: How many directories, and files, are remembered as synced.
_REMEMBERED = 100_000


class FilesystemBlocks(Blocks):
    def __init__(self, directory: Path | None = None) -> None:
        base = settings.PITHOS_BACKEND_BLOCK_PATH or Path(settings.SYNNEFO_DATA) / "pithos"
        self.directory = directory or Path(base) / "blocks"
        self._base = str(self.directory)
        self._synced: set[str] = set()
        self._settled: set[tuple[str, int]] = set()

    def put(self, data: Data) -> bytes:
        kept, digest = kept_of(data)
        if digest != HOLE and not self._renew(digest):
            self._write(self._folder(digest), digest.hex(), kept)
        return digest

    def get(self, digest: bytes) -> bytes:
        if digest == HOLE:
            return b""
        for _ in range(2):
            for path in self._places(digest):
                with contextlib.suppress(FileNotFoundError), open(path, "rb", buffering=0) as file:
                    return file.read()
            if not self._bring_back(digest):
                break
        log.error("a block is not there", digest=digest.hex())
        raise ItemNotFound("A block of this object is not there.")

    def missing(self, digests: Iterable[bytes]) -> list[bytes]:
        return [one for one in dict.fromkeys(digests) if one != HOLE and not self._renew(one)]

    def stored(self, part: int) -> Iterator[tuple[bytes, datetime.datetime]]:
        for pattern in (f"{part:02x}/*", f"{part:02x}/[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
            for path in self.directory.glob(pattern):
                yield from _listed(path)

    def put_aside(self, digest: bytes) -> None:
        aside = self._aside(digest)
        os.makedirs(os.path.dirname(aside), exist_ok=True)
        for path in self._places(digest):
            with contextlib.suppress(FileNotFoundError):
                os.utime(path)
                os.rename(path, aside)

    def aside(self, part: int) -> Iterator[tuple[bytes, datetime.datetime]]:
        for path in (self.directory / ".aside").glob(f"{part:02x}*"):
            yield from _listed(path)

    def delete_aside(self, digest: bytes) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._aside(digest))

    def link(self, digest: bytes, path: Path) -> bool:
        """Take a file for a block as it is, without reading or syncing it, if it can be linked here."""
        new, old = self._places(digest)
        if os.path.exists(old):
            return True
        try:
            _make(self._folder(digest))
            os.link(path, new)
        except FileExistsError:
            return True
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            return False
        return True

    def sweep(self) -> int:
        """Remove what interrupted writes left behind; returns how many files that were."""
        border = time.time() - _ABANDONED_AFTER_S
        abandoned = [path for path in (self.directory / ".new").glob("*") if path.stat().st_mtime < border]
        for path in abandoned:
            path.unlink(missing_ok=True)
        return len(abandoned)

    def _folder(self, digest: bytes) -> str:
        return f"{self._base}/{digest[:1].hex()}"

    def _path(self, digest: bytes) -> str:
        return f"{self._folder(digest)}/{digest.hex()}"

    def _places(self, digest: bytes) -> tuple[str, str]:
        """Where it may be: its own path, and where Synnefo had it."""
        name = digest.hex()
        return self._path(digest), f"{self._folder(digest)}/{name[2:4]}/{name[4:6]}/{name}"

    def _aside(self, digest: bytes) -> str:
        return f"{self._base}/.aside/{digest.hex()}"

    def _renew(self, digest: bytes) -> bool:
        """Whether it is there, on the medium; its age begins anew."""
        for _ in range(2):
            for path in self._places(digest):
                with contextlib.suppress(FileNotFoundError):
                    found = os.stat(path)
                    os.utime(path)
                    self._ensure_synced(path, found)
                    return True
            if not self._bring_back(digest):
                return False
        return False

    def _ensure_synced(self, path: str, found: os.stat_result) -> None:
        """Another writer may have renamed it this moment, and not synced its directory yet."""
        file = (path, found.st_ino)
        if found.st_mtime < time.time() - _SURELY_SYNCED_AFTER_S or file in self._settled:
            return
        self._sync_up(os.path.dirname(path))
        _remember(self._settled, file)

    def _bring_back(self, digest: bytes) -> bool:
        """Whether it is in its place after all: it was put aside, or brought back by somebody else."""
        try:
            os.rename(self._aside(digest), self._path(digest))
        except FileNotFoundError:
            return any(map(os.path.exists, self._places(digest)))
        self._sync_up(self._folder(digest))
        return True

    def _write(self, folder: str, name: str, content: Data) -> None:
        try:
            new = self._written(content)
            try:
                _make(folder)
                os.rename(new, f"{folder}/{name}")
            except BaseException:
                os.unlink(new)
                raise
            self._sync_up(folder)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            log.error("the block store is full", directory=self._base)
            raise InsufficientStorage("There is no space left for objects.") from error

    def _written(self, content: Data) -> str:
        """A synced file of the content under a temporary name."""
        new = f"{self._base}/.new/{os.urandom(16).hex()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            handle = os.open(new, flags, 0o640)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(new), exist_ok=True)
            handle = os.open(new, flags, 0o640)
        try:
            with open(handle, "wb", buffering=0):
                _pour(handle, memoryview(content))
                if settings.PITHOS_BLOCKS_FSYNC:
                    os.fsync(handle)
        except BaseException:
            os.unlink(new)
            raise
        return new

    def _sync_up(self, folder: str) -> None:
        """Sync a block's directory, and those above that this process has not seen synced: a directory that
        is there may be another writer's, not synced yet."""
        if not settings.PITHOS_BLOCKS_FSYNC:
            return
        _sync(folder)
        while folder != self._base and folder not in self._synced:
            parent = os.path.dirname(folder)
            _sync(parent)
            _remember(self._synced, folder)
            folder = parent


def _remember(known: set[Any], one: Any) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()
    known.add(one)


def _listed(path: Path) -> Iterator[tuple[bytes, datetime.datetime]]:
    with contextlib.suppress(FileNotFoundError, ValueError):
        digest = bytes.fromhex(path.name)
        if len(digest) == DIGEST_BYTES:
            yield digest, datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)


def _make(folder: str) -> None:
    """Make a block's directory, and those above it that are missing."""
    try:
        os.mkdir(folder)
    except FileExistsError:
        return
    except FileNotFoundError:
        _make(os.path.dirname(folder))
        _make(folder)


def _pour(handle: int, content: memoryview) -> None:
    """Write all of it; the medium takes what is long right out of its memory, where both can do that: pages
    of the system's cache, and copying there, cost more than all hashing."""
    written = 0
    if len(content) >= _WORTH_DIRECT_BYTES:
        with contextlib.suppress(OSError):  # not this file system, not this memory; a full one is told below
            fcntl.fcntl(handle, fcntl.F_SETFL, os.O_DIRECT)
            written = os.write(handle, content[: len(content) // mmap.PAGESIZE * mmap.PAGESIZE])
        fcntl.fcntl(handle, fcntl.F_SETFL, 0)
    while written < len(content):
        written += os.write(handle, content[written:])


def _sync(directory: str) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
