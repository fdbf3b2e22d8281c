"""Classic VNC clients, with a password instead of a ticket: over TCP, and over a websocket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from synnefo.cyclades.backends.base import ConsoleEndpoint
from synnefo.cyclades.console import proxy, rules
from synnefo.cyclades.console.classic import VERSION, answer_to
from synnefo.cyclades.console.models import ConsoleTicket
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import ServerRequest
from tests.conftest import People

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def screen(tmp_path: Path, engine_room: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "vnc.sock"
    monkeypatch.setattr(engine_room, "console", lambda name: ConsoleEndpoint(unix_path=path))
    return path


@pytest.fixture
def password(cloud: People, image: Any, flavor: Any, settle: Callable[[], None], screen: Path) -> str:
    made, _ = servers.create(cloud.alice.caller, ServerRequest("web-1", image.uuid, flavor.uuid, []))
    settle()
    server, password = rules.new_password(cloud.alice.caller, made.uuid)
    assert server == Server.objects.get()
    return password


async def open_door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A VNC server that asks for no password, and says everything back after that."""
    writer.write(VERSION)
    assert await reader.readexactly(12) == VERSION
    writer.write(bytes([1, 1]))
    assert await reader.readexactly(1) == bytes([1])
    writer.write(bytes(4))
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def running(path: Path) -> AsyncIterator[tuple[int, int]]:
    """The proxy and a screen; gives the ports for websockets and for TCP."""
    screen_server = await asyncio.start_unix_server(open_door, path)
    tcp = await asyncio.start_server(proxy.serve_classic, "127.0.0.1", 0)
    async with screen_server, tcp, proxy.listen("127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1], tcp.sockets[0].getsockname()[1]


async def signed_in(port: int, password: str) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter]:
    """What a client is told (0: it is in), and its connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.readexactly(12) == VERSION
    writer.write(VERSION)
    assert await reader.readexactly(2) == bytes([1, 2])
    writer.write(bytes([2]))
    writer.write(answer_to(await reader.readexactly(16), password))
    return int.from_bytes(await reader.readexactly(4), "big"), reader, writer


def test_the_answer_is_the_one_that_vnc_clients_make() -> None:
    key_of_password_files = "\x17\x52\x6b\x06\x23\x4e\x58\x07"  # the same in all of them, everywhere
    assert answer_to(b"password", key_of_password_files).hex() == "dbd83cfd727a1458"
    assert answer_to(bytes(16), "passwordandmore") == answer_to(bytes(16), "password")


def test_a_password_opens_the_screen_once(screen: Path, password: str) -> None:
    async def flow() -> None:
        async with running(screen) as (_, port):
            told, reader, writer = await signed_in(port, password)
            assert told == 0
            writer.write(b"\x01hello")
            assert await reader.readexactly(6) == b"\x01hello"
            writer.close()
            told, reader, writer = await signed_in(port, password)
            assert told == 1
            assert b"expired" in await reader.read()
            writer.close()

    asyncio.run(flow())
    assert ConsoleTicket.objects.get().sealed == ""


def test_a_wrong_password_opens_nothing_and_uses_nothing_up(screen: Path, password: str) -> None:
    async def flow() -> None:
        async with running(screen) as (_, port):
            for wrong in ("wrong", ""):
                told, _, writer = await signed_in(port, wrong)
                assert told == 1
                writer.close()
            told, _, writer = await signed_in(port, password)
            assert told == 0
            writer.close()

    asyncio.run(flow())


def test_the_same_over_a_websocket(screen: Path, password: str) -> None:
    async def flow() -> None:
        async with (
            running(screen) as (port, _),
            connect(f"ws://127.0.0.1:{port}/", subprotocols=["binary"], proxy=None) as client,
        ):
            assert await client.recv(decode=False) == VERSION
            await client.send(VERSION)
            assert await client.recv(decode=False) == bytes([1, 2])
            await client.send(bytes([2]))
            await client.send(answer_to(await client.recv(decode=False), password))
            assert await client.recv(decode=False) == bytes(4)
            await client.send(b"\x01")
            assert await client.recv(decode=False) == b"\x01"

    asyncio.run(flow())


def test_what_is_no_vnc_client_is_sent_away(screen: Path, password: str) -> None:
    async def flow() -> None:
        async with running(screen) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            assert await reader.read() == VERSION
            writer.close()

    asyncio.run(flow())
