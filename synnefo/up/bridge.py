"""The WSGI application behind granian's ASGI interface, for clients that take their time.

granian's own WSGI lets a body in chunks whose client died look complete, and waits for silent clients for
ever; ASGI tells of the first and can be timed. A request is one hop to a thread and back, and one for each
piece of content; a short body is awaited before, without a thread. The requests of a lane are
gathered: many of them are answered by one go, in a thread, or (of a prompt one) in the loop, without any hop.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import unquote_to_bytes

from synnefo.common.http.lanes import Answer, Lane
from synnefo.up.gathering import Gathering, Moment

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

_OWN_NAMES = ("CONTENT_TYPE", "CONTENT_LENGTH")
_SHORT_BYTES = 64 * 1024
#: So much at a time comes to the thread of a request that takes its body piece by piece: whatever has come up
#: to a multiple of that is not kept back until there is more.
_HOP_BYTES = 1024 * 1024


class ClientGoneError(ConnectionError):
    """The client has left, or is silent for too long."""


class Bridge:
    """An ASGI application. A client that is silent, or does not read, for ``stalled_s`` is given up."""

    def __init__(
        self, application: Application, *, threads: int, stalled_s: float,
        prompts: Sequence[Lane[Any]] = (), lanes: Sequence[Lane[Any]] = (),
    ) -> None:  # fmt: skip
        self._application = application
        self._prompts = [(lane, Moment(lane.answers)) for lane in prompts]
        self._stalled_s = stalled_s
        self._pool = ThreadPoolExecutor(threads)
        self._lanes = [(lane, Gathering(lane.answers)) for lane in lanes]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        answer = await self._prompted(scope)
        if answer is not None and isinstance(answer.content, bytes):
            await send(_start(answer))
            await send(_content(answer.content, more=False))
            return
        loop = asyncio.get_running_loop()
        client = _Client(receive, send, loop, self._stalled_s)
        try:
            if answer is None:
                body = await _body_of(scope, client)
                answer = await self._in_lane(scope, body)
            if answer is not None:
                last = await self._sent(client, answer)
            else:
                exchange = _Exchange(client, body)
                last = await loop.run_in_executor(self._pool, exchange.run, self._application, scope)
        finally:
            client.forget()
        for message in last:
            await send(message)

    async def _prompted(self, scope: Message) -> Answer | None:
        for lane, moment in self._prompts:
            question = lane.asked(scope, None)
            if question is not None:
                answer: Answer | None = await moment.ask(question)
                return answer
        return None

    async def _in_lane(self, scope: Message, body: _Body | io.BytesIO) -> Answer | None:
        short = body.getbuffer() if isinstance(body, io.BytesIO) else None
        for lane, gathering in self._lanes:
            question = lane.asked(scope, short)
            if question is not None:
                answer: Answer | None = await gathering.ask(question)
                return answer
        return None

    async def _sent(self, client: _Client, answer: Answer) -> Sequence[Message]:
        if isinstance(answer.content, bytes):
            return [_start(answer), _content(answer.content, more=False)]
        exchange = _Exchange(client, io.BytesIO(), _start(answer))
        return await asyncio.get_running_loop().run_in_executor(self._pool, exchange.send, answer.content)


class _Client:
    """Talking to the client from a thread."""

    def __init__(
        self, receive: Receive, send: Send, loop: asyncio.AbstractEventLoop, timeout_s: float
    ) -> None:
        self._receive = receive
        self._send = send
        self._loop = loop
        self._timeout_s = timeout_s
        self._more = True
        self._gone = False
        self._leaving: asyncio.Task[None] | None = None

    def read(self, size: int) -> list[bytes]:
        """At least so many bytes of the body as they came, unless it ends before. Raises ClientGoneError."""
        return asyncio.run_coroutine_threadsafe(self.gather(size), self._loop).result()

    def readinto(self, memory: memoryview) -> tuple[int, memoryview]:
        """The same, right into memory: how much of it was filled, and what came beyond."""
        return asyncio.run_coroutine_threadsafe(self._gather_into(memory), self._loop).result()

    def write(self, messages: Sequence[Message]) -> None:
        """Raises ClientGoneError."""
        asyncio.run_coroutine_threadsafe(self._send_all(messages), self._loop).result()

    def forget(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()

    async def gather(self, size: int) -> list[bytes]:
        """The same for the loop."""
        parts: list[bytes] = []
        wanted = size
        while self._more and wanted > 0:
            message = await self._next()
            self._more = message.get("more_body", False)
            parts.append(message["body"])
            wanted -= len(parts[-1])
        return parts

    async def _gather_into(self, memory: memoryview) -> tuple[int, memoryview]:
        filled, beyond = 0, memoryview(b"")
        while self._more and filled < len(memory):
            message = await self._next()
            self._more, piece = message.get("more_body", False), memoryview(message["body"])
            piece, beyond = piece[: len(memory) - filled], piece[len(memory) - filled :]
            memory[filled : filled + len(piece)] = piece
            filled += len(piece)
        return filled, beyond

    async def _next(self) -> Message:
        """A piece of the body; who has left once is not waited for again."""
        if not self._gone:
            with suppress(ClientGoneError):
                message: Message = await self._timed(self._receive())
                if message["type"] == "http.request":
                    return message
        self._gone = True
        raise ClientGoneError

    async def _send_all(self, messages: Sequence[Message]) -> None:
        if self._leaving is None:  # what is sent to a client that has left is not refused
            self._leaving = asyncio.create_task(self._left())
        for message in messages:
            await self._timed(self._send(message))
        if self._leaving.done():
            raise ClientGoneError

    async def _timed(self, talk: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await talk
        except TimeoutError:
            raise ClientGoneError from None

    async def _left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


class _Body:
    """``wsgi.input``: reads to the end of the body, however long that was said to be."""

    def __init__(self, client: _Client) -> None:
        self._client = client
        self._ahead = deque[bytes | memoryview]()
        self._taken = 0

    def read(self, size: int = -1) -> bytes:
        wanted = sys.maxsize if size < 0 else size
        missing = wanted - sum(map(len, self._ahead))
        if missing > 0:
            self._take(missing)
        pieces = list[bytes | memoryview]()
        while wanted and self._ahead:
            pieces.append(self._piece(wanted))
            wanted -= len(pieces[-1])
        return b"".join(pieces)

    def read1(self, size: int = -1) -> bytes:
        """A piece as it came, at most so long: what is long is not copied on its way. Empty at the end."""
        if not self._ahead:
            self._take(_HOP_BYTES - self._taken % _HOP_BYTES)
        return bytes(self._piece(size))

    def readinto(self, memory: memoryview) -> int:
        """Fill the memory, unless the body ends before: one hop, however much that is."""
        filled = 0
        while self._ahead and filled < len(memory):
            piece = self._piece(len(memory) - filled)
            memory[filled : filled + len(piece)] = piece
            filled += len(piece)
        if filled < len(memory):
            came, beyond = self._client.readinto(memory[filled:])
            self._taken += came + len(beyond)
            self._ahead += [beyond] if beyond else []
            filled += came
        return filled

    def readline(self, size: int = -1) -> bytes:
        wanted = sys.maxsize if size < 0 else size
        line = b""
        while b"\n" not in line and len(line) < wanted:
            if not self._ahead:
                self._take(1)
            if not (piece := self._piece(wanted - len(line))):
                break
            line += bytes(piece)
        end = line.find(b"\n") + 1 or len(line)
        if end < len(line):
            self._ahead.appendleft(line[end:])
        return line[:end]

    def _take(self, size: int) -> None:
        """Wait until so many bytes more have come."""
        came = self._client.read(size)
        self._taken += sum(map(len, came))
        self._ahead += filter(None, came)

    def _piece(self, size: int) -> bytes | memoryview:
        piece = self._ahead.popleft() if self._ahead else b""
        if 0 <= size < len(piece):
            self._ahead.appendleft(piece[size:])
            piece = piece[:size]
        return piece


class _Exchange:
    """One request and its answer, in a thread."""

    def __init__(self, client: _Client, body: _Body | io.BytesIO, *unsent: Message) -> None:
        self._client = client
        self._body = body
        self._unsent = list(unsent)

    def run(self, application: Application, scope: Message) -> list[Message]:
        """Serve it; returns what is left to be sent: for most requests that is the whole answer."""
        return self.send(application(_environ(scope, self._body), self._start))

    def send(self, answer: Iterable[bytes]) -> list[Message]:
        """Send the content but for the last piece."""
        try:
            pieces = iter(answer)
            held = next(pieces, b"")
            for piece in pieces:
                self._client.write([*self._unsent, _content(held, more=True)])
                self._unsent.clear()
                held = piece
        except ClientGoneError:
            return []
        finally:
            if close := getattr(answer, "close", None):
                close()
        return [*self._unsent, _content(held, more=False)]

    def _start(self, status: str, headers: list[tuple[str, str]], error: Any = None) -> None:
        self._unsent = [
            {
                "type": "http.response.start",
                "status": int(status[:3]),
                "headers": [
                    (name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers
                ],
            }
        ]


async def _body_of(scope: Message, client: _Client) -> _Body | io.BytesIO:
    """A short body whole; the stream of one that is long, of unknown length, or sent on demand alone."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) <= _SHORT_BYTES and b"expect" not in headers:
        with suppress(ClientGoneError):
            return io.BytesIO(b"".join(await client.gather(int(length))))
    return _Body(client)


def _start(answer: Answer) -> Message:
    return {"type": "http.response.start", "status": answer.status, "headers": answer.headers}


def _content(piece: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": more}


def _environ(scope: Message, body: _Body | io.BytesIO) -> dict[str, Any]:
    """The request as PEP 3333 has it."""
    path = unquote_to_bytes(scope["raw_path"]) if scope.get("raw_path") else scope["path"].encode()
    made = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_text in scope["headers"]:
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        key = name if name in _OWN_NAMES else f"HTTP_{name}"
        text = raw_text.decode("latin-1")
        made[key] = f"{made[key]}{'; ' if name == 'COOKIE' else ','}{text}" if key in made else text
    return made
