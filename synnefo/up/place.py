"""Where a one-machine cloud lives and listens: its data directory and what its processes are told.

Reads the settings without setting Django up, so that the supervisor stays small.
"""

from __future__ import annotations

import dataclasses
import fcntl
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from django.conf import settings

from synnefo.common.conf import ConfigurationError
from synnefo.common.http.addresses import objects_path

_ADMIN_DIRECTORIES = ("/usr/sbin", "/sbin")
#: How long somebody may take to end who has taken his name off the lock.
_MOMENT_S = 5.0


class UpError(Exception):
    """The cloud cannot be started or stopped; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Address:
    """A host and a port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def reachable(self) -> Address:
        """The same, with the address of this machine in place of "every address"."""
        return Address(own_address(), self.port) if self.host in ("0.0.0.0", "::", "") else self  # noqa: S104

    @property
    def local(self) -> Address:
        """How this machine itself gets there."""
        loopback = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104
        return Address(loopback.get(self.host, self.host), self.port)


@dataclasses.dataclass(frozen=True)
class Place:
    data: Path
    listen: Address
    console: Address
    objects: Address | None
    s3: Address | None
    public_url: str

    @classmethod
    def from_settings(cls) -> Place:
        """Raises UpError for a configuration that cannot be used."""
        try:
            listen = parse_address("SYNNEFO_LISTEN", settings.SYNNEFO_LISTEN)
            console = _beside(listen, 1, "CYCLADES_CONSOLE_LISTEN")
            stored = "pithos" in settings.SYNNEFO_SERVICES
            objects = _beside(listen, 2, "PITHOS_LISTEN") if stored else None
            s3 = _beside(listen, 3, "PITHOS_S3_LISTEN") if stored else None
            public_url: str = settings.SYNNEFO_PUBLIC_URL or f"http://{listen.reachable}"
            data = Path(settings.SYNNEFO_DATA).absolute()
            return cls(data, listen, console, objects, s3, public_url.rstrip("/"))
        except ConfigurationError as error:
            raise UpError(f"configuration: {error}") from error

    @property
    def identity_url(self) -> str:
        base: str = settings.ASTAKOS_BASE_PATH
        return "/".join(part for part in (self.public_url, base.strip("/"), "identity") if part)

    @property
    def objects_url(self) -> str:
        """Where clients find the object store; empty without one."""
        if self.objects is None:
            return ""
        public: str = settings.PITHOS_PUBLIC_URL or settings.SYNNEFO_PUBLIC_URL
        return (public.rstrip("/") or f"http://{self.objects.reachable}") + objects_path()

    @property
    def s3_url(self) -> str:
        """Where clients of S3 find it; empty without an object store."""
        if self.s3 is None:
            return ""
        public: str = settings.PITHOS_S3_PUBLIC_URL
        return public.rstrip("/") or f"http://{self.s3.reachable}"

    @property
    def log(self) -> Path:
        return self.data / "log"

    @property
    def openrc(self) -> Path:
        return self.data / "admin-openrc"

    @property
    def kamakirc(self) -> Path:
        return self.data / "kamakirc"

    def prepare(self) -> None:
        """Make the directories and the secret key if they are not there."""
        try:
            for directory in (self.data, self.log):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_once(self.data / "secret-key", secrets.token_urlsafe(48) + "\n")
        except OSError as error:
            hint = "SYNNEFO_DATA names another directory"
            raise UpError(f"{error.filename}: {error.strerror} ({hint})") from error

    def environment(self) -> dict[str, str]:
        """What a process of this cloud finds in its environment."""
        bin_directory = str(Path(sys.executable).parent)
        known = os.environ.get("PATH", os.defpath).split(os.pathsep)
        extra = [directory for directory in _ADMIN_DIRECTORIES if directory not in known]
        return {
            **os.environ,
            "PATH": os.pathsep.join([bin_directory, *known, *extra]),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "synnefo.settings",
            "SYNNEFO_DATA": str(self.data),
            "SYNNEFO_LISTEN": str(self.listen),
            "CYCLADES_CONSOLE_LISTEN": str(self.console),
            **({"PITHOS_LISTEN": str(self.objects)} if self.objects else {}),
            **({"PITHOS_S3_LISTEN": str(self.s3)} if self.s3 else {}),
        }

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold this cloud's lock. Raises UpError naming the process that has it."""
        with (self.data / "up.lock").open("a+") as file:
            self._lock(file)
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)

    def _lock(self, file: TextIO) -> None:
        """Who has it without a name is just ending, or looks who has it: that is waited for."""
        deadline = time.monotonic() + _MOMENT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                pid = self.holder()
                if pid is not None or time.monotonic() > deadline:
                    raise UpError(
                        f"this cloud is running already: process {pid or '?'} serves {self.data}; "
                        "`synnefo down` (in a clone: make down) ends it"
                    ) from error
            time.sleep(0.05)

    def holder(self) -> int | None:
        """The process id of the supervisor that holds the lock, None if none does."""
        try:
            with (self.data / "up.lock").open("r+") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    text = file.read().strip()
                    return int(text) if text.isdigit() else None
        except FileNotFoundError:
            pass
        return None


def parse_address(name: str, text: str) -> Address:
    """``HOST:PORT`` or ``[IPV6]:PORT``. Raises UpError naming the setting."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536:
        raise UpError(f"{name}: {text!r} is not HOST:PORT")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def _beside(listen: Address, distance: int, name: str) -> Address:
    """The address that a setting names, else the one so many ports on."""
    given: str = getattr(settings, name)
    return parse_address(name, given or str(Address(listen.host, listen.port + distance)))


def own_address() -> str:
    """The address that this machine uses towards others; nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _write_once(path: Path, text: str) -> None:
    """Write a private file unless it exists; whole or not at all."""
    if path.exists():
        return
    write_private(path, text)


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only its owner may read."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
