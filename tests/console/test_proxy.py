"""The console proxy as a browser meets it: real sockets, a real ticket, a stub of a VNC server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from synnefo.cyclades.backends.base import ConsoleEndpoint
from synnefo.cyclades.console import proxy, rules
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import ServerRequest
from tests.conftest import People

pytestmark = pytest.mark.django_db(transaction=True)

GREETING = b"RFB 003.008\n"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def screen(tmp_path: Path, engine_room: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every server's screen is a unix socket with a path longer than a socket's address may be."""
    directory = tmp_path / ("deep" * 20) / ("deeper" * 20)
    directory.mkdir(parents=True)
    path = directory / "vnc.sock"
    assert len(str(path)) > 108
    monkeypatch.setattr(engine_room, "console", lambda name: ConsoleEndpoint(unix_path=path))
    return path


@pytest.fixture
def server(cloud: People, image: Any, flavor: Any, settle: Callable[[], None]) -> Server:
    made, _ = servers.create(cloud.alice.caller, ServerRequest("web-1", image.uuid, flavor.uuid, []))
    settle()
    return made


@pytest.fixture
def ticket(cloud: People, server: Server) -> str:
    url = rules.open_console(cloud.alice.caller, server.uuid)
    return parse_qs(urlsplit(url).fragment)["ticket"][0]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets as a VNC server does and says everything back."""
    writer.write(GREETING)
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def running(path: Path, handler: Handler = echo) -> AsyncIterator[int]:
    """The proxy and a screen at ``path``; gives the proxy's port."""
    directory = path.parent
    with contextlib.chdir(directory):
        screen_server = await asyncio.start_unix_server(handler, path.name)
    async with screen_server, proxy.listen("127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1]


def open_screen(port: int, ticket: str, **options: Any) -> connect:
    return connect(
        f"ws://127.0.0.1:{port}/vnc?ticket={ticket}", subprotocols=["binary"], proxy=None, **options
    )


async def received(browser: ClientConnection, amount: int) -> bytes:
    """Exactly so many bytes of the screen."""
    data = b""
    while len(data) < amount:
        data += await browser.recv(decode=False)
    return data


async def closed(browser: ClientConnection) -> int | None:
    """The code with which the proxy ends a connection."""
    with contextlib.suppress(ConnectionClosed):
        async for _ in browser:
            pass
    return browser.close_code


def test_bytes_go_both_ways_through_a_socket_with_a_long_path(screen: Path, ticket: str) -> None:
    async def flow() -> None:
        async with (
            running(screen) as port,
            open_screen(port, ticket, origin="http://127.0.0.1:8080") as browser,
        ):
            assert browser.subprotocol == "binary"
            assert await received(browser, len(GREETING)) == GREETING
            picture = bytes(range(256)) * 4096
            for start in range(0, len(picture), 65536):
                await browser.send(picture[start : start + 65536])
            assert await received(browser, len(picture)) == picture

    asyncio.run(flow())


def test_a_ticket_is_good_for_one_connection(screen: Path, ticket: str) -> None:
    async def flow() -> None:
        async with running(screen) as port:
            async with open_screen(port, ticket) as browser:
                assert await received(browser, len(GREETING)) == GREETING
            async with open_screen(port, ticket) as second:
                assert await closed(second) == 4401

    asyncio.run(flow())


def test_of_two_who_come_at_once_with_one_ticket_one_gets_in(screen: Path, ticket: str) -> None:
    async def come(port: int) -> str:
        async with open_screen(port, ticket) as browser:
            try:
                return (await browser.recv(decode=False)).decode()
            except ConnectionClosed as end:
                return str(end.rcvd.code if end.rcvd else None)

    async def flow() -> list[str]:
        async with running(screen) as port:
            return await asyncio.gather(*(come(port) for _ in range(4)))

    assert sorted(asyncio.run(flow())) == ["4401", "4401", "4401", GREETING.decode()]


@pytest.mark.parametrize("wrong", ["", "nonsense", "x" * 43, "%ff%00"])
def test_without_a_good_ticket_there_is_no_screen(screen: Path, server: Server, wrong: str) -> None:
    async def flow() -> None:
        async with running(screen) as port, open_screen(port, wrong) as browser:
            assert await closed(browser) == 4401

    asyncio.run(flow())


def test_pages_of_other_sites_are_refused_and_use_no_ticket_up(
    screen: Path, ticket: str, settings: Any
) -> None:
    settings.SYNNEFO_PUBLIC_URL = "https://cloud.example.org"

    async def flow() -> None:
        async with running(screen) as port:
            for origin in ("http://evil.example", "null", "http://127.0.0.1.evil.example"):
                with pytest.raises(InvalidStatus) as refusal:
                    await open_screen(port, ticket, origin=origin)
                assert refusal.value.response.status_code == 403
            async with open_screen(port, ticket, origin="https://cloud.example.org") as browser:
                assert await received(browser, len(GREETING)) == GREETING

    asyncio.run(flow())


def test_the_page_learns_that_the_screen_was_closed(screen: Path, ticket: str) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        writer.close()

    async def flow() -> None:
        async with running(screen, hang_up) as port, open_screen(port, ticket) as browser:
            assert await closed(browser) == 1000

    asyncio.run(flow())


def test_a_server_that_went_off_has_no_screen(screen: Path, ticket: str) -> None:
    async def flow() -> None:
        async with running(screen) as port:
            screen.unlink()
            async with open_screen(port, ticket) as browser:
                assert await closed(browser) == 4503

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("setting", "code"), [("CYCLADES_CONSOLE_IDLE_S", 4408), ("CYCLADES_CONSOLE_MAX_S", 4409)]
)
def test_a_console_ends_when_its_time_is_over(
    screen: Path, ticket: str, settings: Any, setting: str, code: int
) -> None:
    setattr(settings, setting, 0.2)

    async def flow() -> None:
        async with running(screen) as port, open_screen(port, ticket) as browser:
            assert await closed(browser) == code

    asyncio.run(flow())


def test_a_browser_that_reads_nothing_stops_the_screen_and_not_the_memory(screen: Path, ticket: str) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with contextlib.suppress(OSError):
            while True:
                writer.write(bytes(65536))
                await writer.drain()
                sent += 65536

    async def settled() -> int:
        """What was sent when no more could be sent for half a second."""
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.5)
        return sent

    async def flow() -> None:
        async with running(screen, flood) as port, open_screen(port, ticket, max_queue=1) as browser:
            first = await settled()
            assert first < 32 * 1024 * 1024
            await received(browser, first + 1024 * 1024)
            assert sent > first
            browser.transport.abort()

    asyncio.run(flow())


def test_it_says_that_it_lives_and_nothing_else(screen: Path) -> None:
    def ask(url: str) -> tuple[int, str]:
        answer = httpx.get(url, timeout=5, trust_env=False)
        return answer.status_code, answer.text

    async def flow() -> None:
        async with running(screen) as port:
            base = f"http://127.0.0.1:{port}"
            assert await asyncio.to_thread(ask, f"{base}/healthz") == (200, "ok\n")
            assert await asyncio.to_thread(ask, f"{base}/vnc/else") == (404, "There is nothing here.\n")

    asyncio.run(flow())
