"""Locks and fences: who may act on a name.

Owns ``<data>/fences/``: one file a name, locked while somebody acts on that name and holding the
highest fence ever seen for it. The files outlive what carries the name, so that a caller who slept
through a deletion cannot bring it back; ``prune`` drops those that nobody used for a week.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from synnefo.cyclades.backends.base import BackendUnavailable, Fence, Fenced

LOCK_WAIT_S = 10.0
SLOT_WAIT_S = 300.0
_POLL_S = 0.02
_KEEP_S = 7 * 24 * 3600


class Fences:
    """The fences of one kind of name (``instance``, ``network``), shared by threads and processes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextlib.contextmanager
    def passing(self, name: str, fence: Fence) -> Iterator[None]:
        """Hold the name and store ``fence``.

        Raises Fenced if a higher fence was seen, BackendUnavailable if the name stays busy.
        """
        with self.holding(name) as handle:
            seen = _stored(handle)
            if seen is not None and fence < seen:
                raise Fenced(f"{name}: {fence} comes after {seen}")
            _store(handle, fence)
            yield

    @contextlib.contextmanager
    def holding(self, name: str, wait_s: float = LOCK_WAIT_S) -> Iterator[int]:
        """Hold the name without a fence, to go on with what a fenced call began."""
        deadline = time.monotonic() + wait_s
        while (handle := _try_lock(self._directory / name)) is None:
            if time.monotonic() >= deadline:
                raise BackendUnavailable(f"{name}: another call is at work")
            time.sleep(_POLL_S)
        try:
            yield handle
        finally:
            os.close(handle)

    def prune(self, living: set[str]) -> None:
        """Drop the fences of names that are not ``living`` and were not acted on for a week."""
        before = time.time() - _KEEP_S
        for file in self._directory.iterdir() if self._directory.is_dir() else ():
            if file.name in living or file.stat().st_mtime > before:
                continue
            with contextlib.suppress(BackendUnavailable), self.holding(file.name, wait_s=0):
                file.unlink()


class Slots:
    """A few places for heavy work, shared by all processes of an installation."""

    def __init__(self, directory: Path, count: int) -> None:
        self._files = [directory / f"slot-{index}" for index in range(count)]

    @contextlib.contextmanager
    def one(self, wait_s: float = SLOT_WAIT_S) -> Iterator[None]:
        """Hold a place; raises BackendUnavailable if none becomes free for long."""
        deadline = time.monotonic() + wait_s
        while (handle := self._free()) is None:
            if time.monotonic() >= deadline:
                raise BackendUnavailable("This host is too busy to start more instances now")
            time.sleep(_POLL_S)
        try:
            yield
        finally:
            os.close(handle)

    def _free(self) -> int | None:
        return next((handle for file in self._files if (handle := _try_lock(file)) is not None), None)


def _try_lock(file: Path) -> int | None:
    """A handle that holds the lock of ``file``, or None. A file that was just pruned does not count."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_ino == file.stat().st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None


def _stored(handle: int) -> Fence | None:
    words = os.pread(handle, 64, 0).split()
    return Fence(int(words[0]), int(words[1])) if len(words) == 2 else None


def _store(handle: int, fence: Fence) -> None:
    # One write of one short line of fixed length: seen whole or not at all.
    os.pwrite(handle, f"{fence.operation:>20} {fence.attempt:>20}\n".encode(), 0)
    os.fsync(handle)
