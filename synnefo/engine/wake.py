"""Waking dispatchers: PostgreSQL tells them by NOTIFY, SQLite through datagram sockets in the data directory.

A lost wake-up delays, never loses: dispatchers look at the table once a second anyway.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

CHANNEL = "synnefo_operations"


def dispatchers() -> None:
    """Tell every dispatcher that there is work. Called after commit."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
        return
    directory = _directory()
    if not directory.is_dir():
        return
    with _opened(directory) as handle, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for name in os.listdir(directory):
            with contextlib.suppress(OSError):  # a dispatcher that is gone, or one with its queue full
                sender.sendto(b"w", f"/proc/self/fd/{handle}/{name}")


class Listener:
    """A dispatcher's ear: ``wait`` returns when woken or after the time-out."""

    def __init__(self) -> None:
        self._pipe = os.pipe()
        self._socket: socket.socket | None = None
        self._path: Path | None = None
        self._connection: Any = None
        if connection.vendor == "postgresql":
            self._listen_postgresql()
        else:
            self._listen_socket()

    def wait(self, timeout_s: float) -> None:
        source: Any = self._socket or self._connection
        ready, _, _ = select.select([source, self._pipe[0]], [], [], timeout_s)
        if self._pipe[0] in ready:
            os.read(self._pipe[0], 4096)
        if self._socket in ready:
            self._drain_socket()
        elif self._connection in ready:
            for _ in self._connection.notifies(timeout=0):
                pass

    def interrupt(self) -> None:
        """Wake this process' own wait; may be called from a signal handler or another thread."""
        os.write(self._pipe[1], b"i")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        if self._connection is not None:
            self._connection.close()

    def _listen_postgresql(self) -> None:
        from synnefo.common.postgresql import listening

        self._connection = listening.connect(CHANNEL)

    def _listen_socket(self) -> None:
        directory = _directory()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._remove_dead(directory)
        self._path = directory / f"dispatcher-{os.getpid()}"
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with _opened(directory) as handle:
            self._socket.bind(f"/proc/self/fd/{handle}/{self._path.name}")
        self._socket.setblocking(False)

    def _drain_socket(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._socket is not None and self._socket.recv(16):
                pass

    @staticmethod
    def _remove_dead(directory: Path) -> None:
        for path in directory.glob("dispatcher-*"):
            pid = path.name.rpartition("-")[2]
            if not Path(f"/proc/{pid}").exists():
                path.unlink(missing_ok=True)


def _directory() -> Path:
    return Path(settings.SYNNEFO_DATA) / "run" / "wake"


@contextlib.contextmanager
def _opened(directory: Path) -> Any:
    """A descriptor of the directory: addresses of unix sockets are at most 107 bytes long."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)
