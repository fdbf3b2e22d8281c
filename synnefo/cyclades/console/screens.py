"""Connecting to the VNC server of an instance, wherever its engine says it listens."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from synnefo.cyclades.backends.base import ConsoleEndpoint

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connect(endpoint: ConsoleEndpoint, *, buffer_bytes: int, timeout_s: float) -> Stream:
    """A stream to the screen. Raises OSError (TimeoutError included)."""
    async with asyncio.timeout(timeout_s):
        if endpoint.unix_path is not None:
            return await _connect_unix(endpoint.unix_path, buffer_bytes)
        return await asyncio.open_connection(endpoint.host, endpoint.port, limit=buffer_bytes)


async def _connect_unix(path: Path, buffer_bytes: int) -> Stream:
    """By a descriptor of its directory: a path may be longer than the 107 bytes of a socket's address."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        return await asyncio.open_unix_connection(
            f"/proc/self/fd/{directory}/{path.name}", limit=buffer_bytes
        )
    finally:
        os.close(directory)
