"""Talking to one QEMU: a connection per command, over the socket in the instance's directory.

Owns the connection. Callers hold the instance's lock, for QEMU listens to one caller at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from qemu.qmp import QMPClient, QMPError

from synnefo.cyclades.backends.base import BackendUnavailable


def execute(socket: Path, command: str, *, timeout_s: float = 5) -> object:
    """Give a command and return its answer.

    Raises BackendUnavailable if QEMU is gone, does not answer in time or refuses.
    """
    try:
        with reachable(socket) as address:
            return asyncio.run(asyncio.wait_for(_execute(address, command), timeout_s))
    except (QMPError, OSError, EOFError) as error:
        raise BackendUnavailable(f"QEMU did not do {command}: {error or 'no answer in time'}") from error


async def _execute(address: str, command: str) -> object:
    client = QMPClient()
    await client.connect(address)
    try:
        return await client.execute(command)
    finally:
        # QEMU hangs up by itself after "quit"; the library tells that as an error.
        with contextlib.suppress(QMPError, OSError, EOFError):
            await client.disconnect()


@contextlib.contextmanager
def reachable(socket: Path) -> Iterator[str]:
    """A name of the socket that is short enough for the kernel (107 bytes), however long its path is.

    It is valid in this process alone, while the context lasts.
    """
    directory = os.open(socket.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{socket.name}"
    finally:
        os.close(directory)
