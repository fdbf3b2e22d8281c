"""Talking to one QEMU: a connection per command or talk, over the socket in the instance's directory.

Owns the connection. Callers hold the instance's lock, for QEMU listens to one caller at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

from qemu.qmp import ExecuteError, QMPClient, QMPError

from synnefo.cyclades.backends.base import BackendUnavailable

T = TypeVar("T")
#: Commands to one QEMU, given one after the other.
Talk = Callable[[QMPClient], Awaitable[T]]


def execute(socket: Path, command: str, *, timeout_s: float = 5) -> object:
    """Give a command and return its answer.

    Raises BackendUnavailable if QEMU is gone, does not answer in time or refuses.
    """

    async def give(client: QMPClient) -> object:
        return await client.execute(command)

    try:
        return converse(socket, give, command, timeout_s=timeout_s)
    except ExecuteError as refusal:
        raise BackendUnavailable(f"QEMU did not do {command}: {refusal}") from refusal


def converse(socket: Path, talk: Talk[T], what: str, *, timeout_s: float = 5) -> T:
    """Have a talk of several commands over one connection, and return what it returns.

    Raises BackendUnavailable if QEMU is gone or does not answer in time; ExecuteError if it refuses.
    """
    try:
        with reachable(socket) as address:
            return asyncio.run(asyncio.wait_for(_converse(address, talk), timeout_s))
    except ExecuteError:
        raise
    except (QMPError, OSError, EOFError) as error:
        raise BackendUnavailable(f"QEMU did not do {what}: {error or 'no answer in time'}") from error


async def _converse(address: str, talk: Talk[T]) -> T:
    client = QMPClient()
    await client.connect(address)
    try:
        return await talk(client)
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
