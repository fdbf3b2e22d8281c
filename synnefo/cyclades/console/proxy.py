"""The console proxy ``snf-vncauthproxy``: browsers' websockets on one side, engines' screens on the other.

It honours one-time tickets and moves bytes; it knows neither users nor what the bytes mean. Nothing is
kept in the process: killing it ends the connections and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import http
import logging
import signal
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from websockets.asyncio.server import Server as WebsocketServer
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as websocket_server
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from synnefo.cyclades.backends.base import BackendError, ConsoleEndpoint
from synnefo.cyclades.backends.registry import engine
from synnefo.cyclades.console import classic, rules, screens
from synnefo.cyclades.console.address import CLASSIC_PATH, PATH, classic_address, listen_address
from synnefo.cyclades.servers.models import Server

log = structlog.get_logger("synnefo.console")

_CHUNK_BYTES = 64 * 1024
#: What may wait in each direction before the other side is read no further.
_WAITING_BYTES = 256 * 1024
_WAITING_MESSAGES = 8
_LARGEST_MESSAGE_BYTES = 1024 * 1024
_CONNECT_TIMEOUT_S = 10.0
_PING_S = 20.0

T = TypeVar("T")


class Reason(enum.Enum):
    """Why a connection ended, as the page learns it: close code and words."""

    SCREEN_CLOSED = 1000, "the server's screen was closed"
    FAILED = 1011, "the console service failed"
    TICKET = 4401, "the ticket was used or has expired"
    IDLE = 4408, "nothing happened for too long"
    TOO_LONG = 4409, "the longest time for a console is over"
    NO_SCREEN = 4503, "the server has no screen now"


class Client(classic.Pipe, Protocol):
    """Whose connection it is: a browser's websocket, or a classic client's."""

    async def close(self, code: int, words: str) -> None: ...


class Ended(Exception):
    """A connection is to be closed, and why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value[1])
        self.reason = reason


def serve() -> None:
    """Run until SIGTERM or SIGINT."""
    asyncio.run(_serve())


async def _serve() -> None:
    host, port = listen_address()
    # Its errors are about handshakes that were not finished: port scanners, health probes.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    classic_host, classic_port = classic_address()
    screens_server = await asyncio.start_server(serve_classic, classic_host or None, classic_port)
    async with screens_server, listen(host, port):
        log.info("console proxy ready", host=host, port=port, vnc_port=classic_port)
        await stopping.wait()


def listen(host: str, port: int) -> contextlib.AbstractAsyncContextManager[WebsocketServer]:
    """The proxy's server as a context manager: connections are closed with code 1001 when it ends."""
    return websocket_server(
        serve_console,
        host or None,
        port,
        process_request=admit,
        select_subprotocol=_binary_if_offered,
        compression=None,
        server_header=None,
        max_size=_LARGEST_MESSAGE_BYTES,
        max_queue=_WAITING_MESSAGES,
        write_limit=_WAITING_BYTES,
        ping_interval=_PING_S,
        ping_timeout=_PING_S,
    )


def admit(connection: ServerConnection, request: Request) -> Response | None:
    """Answer what is no console (health, unknown paths, pages of other sites); None lets it through."""
    path = urlsplit(request.path).path
    if path == "/healthz":
        return connection.respond(http.HTTPStatus.OK, "ok\n")
    if path not in (PATH, CLASSIC_PATH):
        return connection.respond(http.HTTPStatus.NOT_FOUND, "There is nothing here.\n")
    if not _is_own_page(request):
        return connection.respond(http.HTTPStatus.FORBIDDEN, "Pages of other sites open no console.\n")
    return None


async def serve_console(connection: ServerConnection) -> None:
    """One connection, from its ticket or password to its end."""
    assert connection.request is not None  # noqa: S101  the handshake is over
    asked = urlsplit(connection.request.path)
    ticket = parse_qs(asked.query).get("ticket", [""])[0]
    name = str(connection.remote_address[0])
    await _serve_one(connection, name, None if asked.path == CLASSIC_PATH else ticket)


async def serve_classic(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection of a classic client over TCP."""
    try:
        await _serve_one(TcpClient(reader, writer), str(writer.get_extra_info("peername")[0]), None)
    finally:
        writer.close()


class TcpClient:
    """A classic client's connection, with the manners of a websocket's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def recv(self, decode: Literal[False]) -> bytes:
        """Raises ConnectionClosed at the end."""
        try:
            data = await self._reader.read(_CHUNK_BYTES)
        except OSError:
            data = b""
        if not data:
            raise ConnectionClosedOK(None, None)
        return data

    async def send(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise ConnectionClosedOK(None, None) from error

    async def close(self, code: int, words: str) -> None:
        """RFB has no words for an end."""
        self._writer.close()


async def _serve_one(connection: Client, name: str, ticket: str | None) -> None:
    with structlog.contextvars.bound_contextvars(client=name):
        try:
            if ticket is None:
                await _by_password(classic.Exact(connection))
            else:
                endpoint = await asyncio.to_thread(_with_database, lambda: _endpoint_by_ticket(ticket))
                await _relay(connection, endpoint)
        except ConnectionClosed:
            log.info("console closed", reason="the browser left")
        except Ended as end:
            await _close(connection, end.reason)
        except (classic.NotRfb, TimeoutError):
            await _close(connection, Reason.TICKET)
        except Exception:  # a bug must not end in silence, nor take other connections along
            log.exception("console failed")
            await _close(connection, Reason.FAILED)


async def _by_password(client: classic.Exact) -> None:
    async def find(challenge: bytes, response: bytes) -> ConsoleEndpoint | None:
        return await asyncio.to_thread(_with_database, lambda: _endpoint_by_password(challenge, response))

    endpoint = await classic.sign_in(client, find)
    if endpoint is None:
        raise Ended(Reason.TICKET)
    await _relay(client, endpoint, enter=True)


async def _close(connection: Client, reason: Reason) -> None:
    code, words = reason.value
    log.info("console closed", reason=words)
    await connection.close(code, words)


async def _relay(connection: classic.Pipe, endpoint: ConsoleEndpoint, *, enter: bool = False) -> None:
    """``enter``: the client is past the door already, so the proxy goes through the screen's for it."""
    try:
        reader, writer = await screens.connect(
            endpoint, buffer_bytes=_WAITING_BYTES, timeout_s=_CONNECT_TIMEOUT_S
        )
    except OSError as error:
        log.warning("cannot reach a screen", error=str(error))
        raise Ended(Reason.NO_SCREEN) from error
    try:
        if enter:
            await _enter(reader, writer)
            await connection.send(classic.ACCEPTED)
        await _move_bytes(connection, reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await classic.enter_screen(reader, writer)
    except (classic.NotRfb, TimeoutError, OSError, EOFError) as error:
        raise Ended(Reason.NO_SCREEN) from error


async def _move_bytes(
    connection: classic.Pipe, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Both directions, until either side or a limit ends them. Raises Ended, ConnectionClosed."""
    clock = asyncio.get_running_loop().time
    started = last = clock()

    async def to_browser() -> None:
        nonlocal last
        while data := await reader.read(_CHUNK_BYTES):
            await connection.send(data)
            last = clock()
        raise Ended(Reason.SCREEN_CLOSED)

    async def to_screen() -> None:
        nonlocal last
        while True:
            data = await connection.recv(decode=False)
            writer.write(data)
            await writer.drain()
            last = clock()

    async def limits() -> None:
        while True:
            idle_at = last + settings.CYCLADES_CONSOLE_IDLE_S
            over_at = started + settings.CYCLADES_CONSOLE_MAX_S
            if min(idle_at, over_at) <= clock():
                raise Ended(Reason.TOO_LONG if over_at <= clock() else Reason.IDLE)
            await asyncio.sleep(min(idle_at, over_at) - clock())

    tasks = [asyncio.create_task(work()) for work in (to_browser, to_screen, limits)]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ended.pop().result()
    except OSError as error:
        raise Ended(Reason.SCREEN_CLOSED) from error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _endpoint_by_ticket(ticket: str) -> ConsoleEndpoint:
    """Use a ticket up; where the screen is that it opens. Runs in a thread."""
    server = rules.redeem(ticket)
    if server is None:
        raise Ended(Reason.TICKET)
    return _endpoint_of(server)


def _endpoint_by_password(challenge: bytes, response: bytes) -> ConsoleEndpoint | None:
    """The same for a password."""
    server = rules.redeem_password(challenge, response)
    return None if server is None else _endpoint_of(server)


def _endpoint_of(server: Server) -> ConsoleEndpoint:
    log.info("console opened", server=server.uuid)
    if server.backend is None:
        raise Ended(Reason.NO_SCREEN)
    try:
        return engine(server.backend).console(server.engine_name)
    except BackendError as error:
        log.warning("an engine shows no screen", server=server.uuid, error=str(error))
        raise Ended(Reason.NO_SCREEN) from error


def _with_database(work: Callable[[], T]) -> T:
    """Run with a connection to the database of its own: consoles are opened seldom and last long."""
    try:
        return work()
    except DatabaseError as error:
        log.warning("the database does not answer", error=str(error))
        raise Ended(Reason.FAILED) from error
    finally:
        connections.close_all()


def _binary_if_offered(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    binary = Subprotocol("binary")
    return binary if binary in offered else None


def _is_own_page(request: Request) -> bool:
    """Whether the page that asks came from this cloud; a client that is no browser names no page."""
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own = {urlsplit(f"//{request.headers.get('Host', '')}").hostname}
    own.add(urlsplit(settings.SYNNEFO_PUBLIC_URL).hostname)
    return urlsplit(origin).hostname in own - {None}
