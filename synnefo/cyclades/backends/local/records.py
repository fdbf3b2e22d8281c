"""What the fabric remembers: one JSON file a network or router, and file locks.

Owns the state directory's ``networks/`` and ``routers/``. The database is the truth about them; these
files let a host rebuild itself after a reboot, and let an older picture be recognised. No system call
but files.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from synnefo.cyclades.backends.base import BackendUnavailable, NetworkSpec, RouterSpec

Spec = TypeVar("Spec", NetworkSpec, RouterSpec)

_PATIENCE_S = 10.0
_LOOK_S = 0.01


@dataclasses.dataclass(frozen=True)
class Record(Generic[Spec]):
    """A network or router as last asked for, and its number on this host (from 1, free after removal)."""

    index: int
    spec: Spec


class Records(Generic[Spec]):
    """The networks (or routers) of an installation. Safe for several threads and processes."""

    def __init__(self, directory: Path, kind: type[Spec]) -> None:
        self._directory = directory
        self._reader: TypeAdapter[Spec] = TypeAdapter(kind)

    def names(self) -> list[str]:
        return sorted(file.stem for file in self._directory.glob("*.json"))

    def all(self) -> list[Record[Spec]]:
        return [record for name in self.names() if (record := self.get(name)) is not None]

    def get(self, name: str) -> Record[Spec] | None:
        """The record, or None; a file that cannot be read counts as absent, the database knows better."""
        try:
            stored = json.loads(self._file(name).read_text())
            return Record(stored["index"], self._reader.validate_python(stored["spec"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def adopt(self, spec: Spec) -> Record[Spec]:
        """Store ``spec`` unless one of the same or a newer revision stands; return what stands then.

        The caller holds the network's lock.
        """
        record = self.get(spec.name)
        if record is not None and record.spec.revision >= spec.revision:
            return record
        with self.lock(".numbers"):
            record = Record(record.index if record else self._free_index(), spec)
            plain = self._reader.dump_python(spec, mode="json")
            write(self._file(spec.name), json.dumps({"index": record.index, "spec": plain}))
        return record

    def forget(self, name: str) -> None:
        self._file(name).unlink(missing_ok=True)
        self._lock_file(name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the lock of ``name`` among all threads and processes of this host."""
        with locked(self._lock_file(name)):
            yield

    def _free_index(self) -> int:
        used = {record.index for record in self.all()}
        return next(index for index in range(1, len(used) + 2) if index not in used)

    def _file(self, name: str) -> Path:
        return self._directory / f"{name}.json"

    def _lock_file(self, name: str) -> Path:
        return self._directory / f"{name}.lock"


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a file lock; the holder may remove the file, those who wait then lock its successor.

    Raises BackendUnavailable if another process keeps it: one that was stopped must not stop others too.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if _taken(handle) and _is(handle, file):
                yield
                return
        finally:
            os.close(handle)
        if time.monotonic() > deadline:
            raise BackendUnavailable(f"{file.stem} is being worked on by another process")
        time.sleep(_LOOK_S)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(handle: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), file.stat())
    except FileNotFoundError:
        return False


def write(file: Path, text: str) -> None:
    """Replace a file's content as a whole, also across a loss of power."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.new")
    with draft.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
