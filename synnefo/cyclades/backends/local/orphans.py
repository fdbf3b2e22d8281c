"""What is on the host with this installation's marks, and no record names: left by crashes, or by hands.

Owns the finding and the removing. What somebody may be at work on is left alone: a name whose lock is held,
and drafts that are young.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from synnefo.cyclades.backends.base import BackendUnavailable
from synnefo.cyclades.backends.local import layout, process, tools
from synnefo.cyclades.backends.local.fencing import Fences
from synnefo.cyclades.backends.local.host import Host
from synnefo.cyclades.backends.local.layout import Home

#: A draft that nobody wrote for so long belongs to nobody.
_DRAFT_S = 3600.0
_END_S = 30.0
#: The kernel's name of a QEMU: it keeps 15 letters.
_COMM = tools.QEMU[:15]


@dataclasses.dataclass(frozen=True)
class Orphan:
    """``kind`` is process, directory, volume, snapshot or draft; ``path`` is where it is."""

    kind: str
    name: str
    path: Path
    remove: Callable[[], None] = dataclasses.field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.path})"


class OrphanCalls(Host):
    """Finding and removing what nobody has."""

    def orphans(self) -> list[Orphan]:
        """What belongs to no instance, volume or snapshot; looking changes nothing."""
        return [*self._processes(), *self._directories(), *self._unfinished(), *self._drafts()]

    def remove_orphans(self) -> list[Orphan]:
        """Remove them, but for those that somebody is at work on; returns what is gone."""
        gone = []
        for orphan in self.orphans():
            with contextlib.suppress(BackendUnavailable):
                orphan.remove()
                gone.append(orphan)
        return gone

    def _processes(self) -> Iterator[Orphan]:
        """QEMUs that work in an instance's directory, and are not that instance's."""
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if not entry.name.isdecimal() or (entry / "comm").read_text().strip() != _COMM:
                    continue
                where = Path(os.readlink(entry / "cwd").removesuffix(" (deleted)"))
                if where.parent == self.root and not self._is_of(where.name, int(entry.name)):
                    act = functools.partial(self._kill, where.name, int(entry.name))
                    yield Orphan("process", where.name, entry, act)

    def _is_of(self, name: str, pid: int) -> bool:
        home = Home(self.root / name)
        return home.exists() and process.pid_of(home.pidfile) in {pid, None}

    def _kill(self, name: str, pid: int) -> None:
        """Nothing but a QEMU that works there gets the signal, whoever has its number by now."""
        handle = os.pidfd_open(pid)
        try:
            with self._holding(self._fences, name):
                where = os.readlink(f"/proc/{pid}/cwd").removesuffix(" (deleted)")
                if Path(where) == self.root / name and not self._is_of(name, pid):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    process.gone(handle, _END_S)
        except (ProcessLookupError, FileNotFoundError):
            pass  # it ended by itself
        finally:
            os.close(handle)

    def _directories(self) -> Iterator[Orphan]:
        """Directories of instances whose record never came to be, or is gone."""
        for name in layout.names(self.root):
            home = Home(self.root / name)
            if not home.exists() and not _is_young(home.path):
                yield Orphan("directory", name, home.path, functools.partial(self._discard, home))

    def _discard(self, home: Home) -> None:
        with self._holding(self._fences, home.name):
            if not home.exists() and process.pid_of(home.pidfile) is None:
                layout.discard(home.path)

    def _unfinished(self) -> Iterator[Orphan]:
        """Directories of volumes and snapshots that never got their data."""
        kinds = {"volume": (self._volumes, self._volume_fences)}
        kinds["snapshot"] = (self._snapshots, self._snapshot_fences)
        for kind, (root, fences) in kinds.items():
            for name in layout.names(root):
                if not (root / name / "disk.qcow2").exists() and not _is_young(root / name):
                    act = functools.partial(self._discard_unfinished, root / name, fences)
                    yield Orphan(kind, name, root / name, act)

    def _discard_unfinished(self, directory: Path, fences: Fences) -> None:
        with self._holding(fences, directory.name):
            if not (directory / "disk.qcow2").exists():
                layout.discard(directory)

    def _drafts(self) -> Iterator[Orphan]:
        """What was to get, or lost, its name when a caller was killed."""
        for root in (self.root, self._volumes, self._snapshots):
            for path in (*root.glob(".gone-*"), *root.glob("*/.*.new"), *root.glob("*/.read-*")):
                if not _is_young(path):
                    yield Orphan("draft", path.name, path, functools.partial(_remove, path))

    def _holding(self, fences: Fences, name: str) -> contextlib.AbstractContextManager[int]:
        return fences.holding(name, wait_s=0)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_young(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _DRAFT_S
    except FileNotFoundError:
        return True
