"""Classic VNC clients, over TCP or a websocket: they sign in with a password, which names the screen.

The first bytes of RFB are spoken here, with the client (who must know a password that is good once) and
with the engine's screen (which asks for none); what follows is the proxy's to move. It knows no sockets:
both ends are things to read from and write to.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, TypeVar

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

T = TypeVar("T")
VERSION = b"RFB 003.008\n"
_OLD = b"RFB 003.003\n"
_NONE, _VNC_AUTH = 1, 2
_CHALLENGE_BYTES = 16
_WORDS = b"The password was used or has expired."
#: What a client is told when it is in.
ACCEPTED = bytes(4)
#: How long a client may take to say who it is.
SIGN_IN_TIMEOUT_S = 30.0

Opener = Callable[[bytes, bytes], Awaitable[T | None]]


class NotRfb(Exception):
    """What comes from the other side is not what RFB says."""


class Pipe(Protocol):
    """One end: ``recv`` gives what comes, ``send`` sends."""

    async def recv(self, decode: Literal[False]) -> bytes: ...

    async def send(self, data: bytes) -> None: ...


class Exact:
    """A pipe that gives as many bytes as are asked for; what is left over comes with the next ``recv``."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._left = b""

    async def take(self, amount: int) -> bytes:
        while len(self._left) < amount:
            self._left += await self._pipe.recv(decode=False)
        taken, self._left = self._left[:amount], self._left[amount:]
        return taken

    async def recv(self, decode: Literal[False]) -> bytes:
        if self._left:
            left, self._left = self._left, b""
            return left
        return await self._pipe.recv(decode=False)

    async def send(self, data: bytes) -> None:
        await self._pipe.send(data)


async def sign_in(client: Exact, open_by: Opener[T]) -> T | None:
    """Ask for the password; what ``open_by`` (challenge, response) finds. The client is told if that is
    nothing; else it waits for ``ACCEPTED``. Raises NotRfb, TimeoutError."""
    async with asyncio.timeout(SIGN_IN_TIMEOUT_S):
        await client.send(VERSION)
        version = await client.take(len(VERSION))
        if not version.startswith(b"RFB 003."):
            raise NotRfb
        if version == _OLD:
            await client.send(_VNC_AUTH.to_bytes(4, "big"))
        else:
            await client.send(bytes([1, _VNC_AUTH]))
            if await client.take(1) != bytes([_VNC_AUTH]):
                raise NotRfb
        challenge = os.urandom(_CHALLENGE_BYTES)
        await client.send(challenge)
        response = await client.take(_CHALLENGE_BYTES)
    found = await open_by(challenge, response)
    if found is None:
        await client.send((1).to_bytes(4, "big"))
        if version == VERSION:
            await client.send(len(_WORDS).to_bytes(4, "big") + _WORDS)
    return found


async def enter_screen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Go through an engine's door, which is open, up to where the client's next words belong.

    Raises NotRfb, TimeoutError, and IncompleteReadError where the screen hangs up.
    """
    async with asyncio.timeout(SIGN_IN_TIMEOUT_S):
        if not (await reader.readexactly(len(VERSION))).startswith(b"RFB 003."):
            raise NotRfb
        writer.write(VERSION)
        kinds = await reader.readexactly((await reader.readexactly(1))[0])
        if _NONE not in kinds:
            raise NotRfb
        writer.write(bytes([_NONE]))
        await writer.drain()
        if await reader.readexactly(4) != bytes(4):
            raise NotRfb


def answer_to(challenge: bytes, password: str) -> bytes:
    """What a client that knows the password makes of a challenge: of it the first eight letters count, and
    their bits the other way round."""
    letters = password.encode()[:8].ljust(8, b"\0")
    key = bytes(int(f"{letter:08b}"[::-1], 2) for letter in letters)
    cipher = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305  RFB has no other
    return cipher.update(challenge) + cipher.finalize()
