"""Where an instance lives on disk, and the small records beside its disk.

Owns the names of the files in ``<data>/instances/<name>/`` and how records are written and read. It
starts no process and decides nothing.

``spec.json`` comes first and makes the instance exist; ``boot.json`` names the current (or last) run
of QEMU; ``request.json`` is a power request under way, bound to one run. ``rescue.json`` says that it boots
another system, ``saved.json`` belongs to ``memory`` (see ``saving``), ``rebuilt.json`` names the operation
that made the root disk anew last, ``leaving-*.json`` are disks that the guest is asked to let go of.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from synnefo.cyclades.backends.base import BackendError, DiskImage, GuestSetup, InstanceSpec

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")

#: What is kept of a log's end, and of its beginning.
LOG_KEEP_BYTES = 256 * 1024
HEAD_BYTES = 4096

_FALLOC_KEEP_SIZE_PUNCH_HOLE = 0x03
_libc = ctypes.CDLL(None, use_errno=True)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")


R = TypeVar("R", bound=_Record)


class StoredSpec(_Record):
    spec: InstanceSpec


class Boot(_Record):
    """One run of QEMU. ``host`` is the kernel's id of the host's own run.

    ``restores``: it goes on from ``memory``.
    """

    id: str
    host: str
    because: Literal["start", "reboot"] = "start"
    restores: bool = False

    @classmethod
    def new(cls, because: Literal["start", "reboot"], *, restores: bool) -> Boot:
        return cls(id=secrets.token_hex(6), host=host_boot_id(), because=because, restores=restores)


class Request(_Record):
    """The guest of run ``boot`` was asked to power off, or is being saved; times are seconds since the epoch.

    ``forced`` is written before the plug is pulled, so that the end is known to be ours. ``paused``: it was
    before it was saved.
    """

    kind: Literal["stop", "reboot", "delete", "save"]
    boot: str
    deadline: float
    asked: float
    forced: bool = False
    paused: bool = False


class Saved(_Record):
    """What the memory that was saved belongs to: the kind of machine, and the places of cards and disks."""

    machine: str
    places: dict[str, str]


class Rescue(_Record):
    """The system to boot instead of its own. ``cd`` is the file of a CD, or empty where it is a disk."""

    image: DiskImage
    guest: GuestSetup | None
    cd: str = ""


class Rebuilt(_Record):
    operation: int


class Leaving(_Record):
    """A disk that operation ``operation`` takes out of a guest that is on."""

    volume: str
    operation: int
    deadline: float


class Snapshot(_Record):
    """What a copy is of."""

    volume: str


class Home:
    """An instance's directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.disk = path / "disk.qcow2"
        self.seed = path / "seed.iso"
        self.console = path / "console.log"
        self.journal = path / "journal.out"
        self.journal_greeting = path / "journal.in"
        self.complaints = path / "qemu.log"
        self.history = path / "history"
        self.pidfile = path / "qemu.pid"
        self.qmp = path / "qmp.sock"
        self.vnc = path / "vnc.sock"
        self.agent = path / "agent.sock"
        self.config_drive = path / "config.iso"
        self.memory = path / "memory"
        self.memory_draft = path / ".memory.new"
        self.rescue_disk = path / "rescue.qcow2"
        self.rescue_seed = path / "rescue-seed.iso"
        self._spec = path / "spec.json"
        self._boot = path / "boot.json"
        self._request = path / "request.json"
        self._saved = path / "saved.json"
        self._rescue = path / "rescue.json"
        self._rebuilt = path / "rebuilt.json"

    def exists(self) -> bool:
        return self._spec.exists()

    def spec(self) -> InstanceSpec | None:
        stored = _read(self._spec, StoredSpec)
        return stored.spec if stored else None

    def write_spec(self, spec: InstanceSpec) -> None:
        self.path.mkdir(mode=0o700, exist_ok=True)
        write(self._spec, StoredSpec(spec=spec).model_dump_json())

    def boot(self) -> Boot | None:
        return _read(self._boot, Boot)

    def write_boot(self, boot: Boot) -> None:
        write(self._boot, boot.model_dump_json())

    def request(self) -> Request | None:
        return _read(self._request, Request)

    def write_request(self, request: Request) -> None:
        write(self._request, request.model_dump_json())

    def clear_request(self) -> None:
        self._request.unlink(missing_ok=True)

    def saved(self) -> Saved | None:
        return _read(self._saved, Saved)

    def write_saved(self, saved: Saved) -> None:
        write(self._saved, saved.model_dump_json())

    def rescue(self) -> Rescue | None:
        return _read(self._rescue, Rescue)

    def write_rescue(self, rescue: Rescue) -> None:
        write(self._rescue, rescue.model_dump_json())

    def clear_rescue(self) -> None:
        self._rescue.unlink(missing_ok=True)
        self.rescue_disk.unlink(missing_ok=True)
        self.rescue_seed.unlink(missing_ok=True)

    def rebuilt_by(self) -> int | None:
        """The operation that made the root disk anew last."""
        rebuilt = _read(self._rebuilt, Rebuilt)
        return rebuilt.operation if rebuilt else None

    def write_rebuilt(self, operation: int) -> None:
        write(self._rebuilt, Rebuilt(operation=operation).model_dump_json())

    def leaving(self, volume: str) -> Leaving | None:
        return _read(self._leaving(volume), Leaving)

    def write_leaving(self, leaving: Leaving) -> None:
        write(self._leaving(leaving.volume), leaving.model_dump_json())

    def clear_leaving(self, volume: str) -> None:
        self._leaving(volume).unlink(missing_ok=True)

    def _leaving(self, volume: str) -> Path:
        return self.path / f"leaving-{volume}.json"


def homes(root: Path) -> Iterator[Home]:
    """The instances under ``root``, complete or not, by name."""
    return (home for name in names(root) if (home := Home(root / name)).exists())


def read_snapshot(file: Path) -> Snapshot | None:
    """What a copy is of, where that was written down."""
    return _read(file, Snapshot)


def names(root: Path) -> list[str]:
    """The entries of ``root`` that carry names, sorted; drafts and what is being removed do not."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(entry for entry in os.listdir(root) if NAME.fullmatch(entry))
    return []


def discard(path: Path) -> None:
    """Remove a directory. Renamed first: whoever looks, or comes back after a crash, sees no half of it."""
    gone = path.with_name(f".gone-{path.name}-{time.time_ns()}")
    with contextlib.suppress(FileNotFoundError):
        path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def sweep(root: Path) -> None:
    """Remove what callers who were killed left of directories that they removed."""
    for leftover in root.glob(".gone-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def sync(directory: Path) -> None:
    """Let what was renamed or removed in a directory outlive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_name(name: str) -> str:
    """Raise BackendError unless ``name`` may become a directory's name."""
    if not NAME.fullmatch(name):
        raise BackendError(f"{name!r} is not a name for an instance, a volume or a network")
    return name


@functools.cache
def host_boot_id() -> str:
    """The kernel's id of this host's own run, new after each restart."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def write(file: Path, text: str) -> None:
    """Replace a file as a whole; readers see the old or the new content, also after a power cut."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(handle, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(file)


def tail(file: Path, max_bytes: int) -> bytes:
    """The last bytes of a file; empty where there is none."""
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - max_bytes))
            return stream.read(max_bytes)
    except FileNotFoundError:
        return b""


def forget_middle(file: Path, keep_bytes: int) -> None:
    """Free the disk blocks between a log's head and its last ``keep_bytes`` once twice as much is in use.

    A hole takes their place, so a writer that has the file open loses nothing, whereas cutting the
    file would race with it. Where the file system knows no holes the file is emptied.
    """
    try:
        handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        seen = os.fstat(handle)
        if seen.st_blocks * 512 < 2 * keep_bytes + HEAD_BYTES:
            return
        hole = ctypes.c_long(seen.st_size - keep_bytes - HEAD_BYTES)
        if _libc.fallocate(handle, _FALLOC_KEEP_SIZE_PUNCH_HOLE, ctypes.c_long(HEAD_BYTES), hole) != 0:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _read(file: Path, kind: type[R]) -> R | None:
    try:
        return kind.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise BackendError(f"{file} is damaged: {error.errors()[0]['msg']}") from error
