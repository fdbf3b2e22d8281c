"""Where an instance lives on disk, and the small records beside its disk.

Owns the names of the files in ``<data>/instances/<name>/`` and how records are written and read. It
starts no process and decides nothing.

``spec.json`` comes first and makes the instance exist; ``boot.json`` names the current (or last) run
of QEMU; ``request.json`` is a power request under way, bound to one run.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from synnefo.cyclades.backends.base import BackendError, InstanceSpec

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
    """One run of QEMU. ``host`` is the kernel's id of the host's own run."""

    id: str
    host: str
    because: Literal["start", "reboot"] = "start"

    @classmethod
    def new(cls, because: Literal["start", "reboot"]) -> Boot:
        return cls(id=secrets.token_hex(6), host=host_boot_id(), because=because)


class Request(_Record):
    """The guest of run ``boot`` was asked to power off; times are seconds since the epoch.

    ``forced`` is written before the plug is pulled, so that the end is known to be ours.
    """

    kind: Literal["stop", "reboot", "delete"]
    boot: str
    deadline: float
    asked: float
    forced: bool = False


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
        self.pidfile = path / "qemu.pid"
        self.qmp = path / "qmp.sock"
        self.vnc = path / "vnc.sock"
        self._spec = path / "spec.json"
        self._boot = path / "boot.json"
        self._request = path / "request.json"

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


def homes(root: Path) -> Iterator[Home]:
    """The instances under ``root``, complete or not, by name."""
    with contextlib.suppress(FileNotFoundError):
        for entry in sorted(os.listdir(root)):
            if NAME.fullmatch(entry) and (home := Home(root / entry)).exists():
                yield home


def check_name(name: str) -> str:
    """Raise BackendError unless ``name`` may become a directory's name."""
    if not NAME.fullmatch(name):
        raise BackendError(f"{name!r} is not a name for an instance or a network")
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
