"""A server's screen in a browser: noVNC, the console proxy, and a real QEMU that shows its firmware."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from synnefo.cyclades.backends.base import ConsoleEndpoint
from synnefo.cyclades.console import proxy, rules
from synnefo.cyclades.servers.models import Server
from tests.conftest import People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

#: How many pixels of the screen are not black; nothing is drawn until a picture came over.
LIT_PIXELS = """() => {
  const canvas = document.querySelector("#screen canvas");
  if (!canvas || !canvas.width) return 0;
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let lit = 0;
  for (let place = 0; place < data.length; place += 4) if (data[place] > 60) lit += 1;
  return lit;
}"""


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Path]:
    """The screen of a machine without disks: its firmware says what it looks for."""
    program = shutil.which("qemu-system-x86_64")
    if program is None:
        pytest.skip("there is no QEMU on this machine")
    path = tmp_path / "vnc.sock"
    machine = subprocess.Popen(
        [program, "-machine", "pc,accel=tcg", "-m", "64", "-nodefaults", "-vga", "std",
         "-vnc", f"unix:{path}", "-monitor", "none", "-boot", "menu=on,splash-time=60000"]
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while not path.exists():
        assert machine.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield path
    machine.kill()
    machine.wait()


@pytest.fixture
def proxy_port(settings: Any) -> Iterator[int]:
    """The proxy on a free port, in a thread of its own."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    port, stop = 0, asyncio.Event()

    async def run() -> None:
        nonlocal port
        async with proxy.listen("localhost", 0) as server:
            port = server.sockets[0].getsockname()[1]
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert ready.wait(10)
    settings.CYCLADES_CONSOLE_URL = f"ws://localhost:{port}/vnc"
    yield port
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


@pytest.fixture
def server(
    new_server: Callable[..., Server], engine_room: Any, screen: Path, proxy_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> Server:  # fmt: skip
    monkeypatch.setattr(engine_room, "console", lambda name: ConsoleEndpoint(unix_path=screen))
    return new_server("web-1")


def wait_for_picture(page: Page, as_wanted: Callable[[int], bool]) -> None:
    deadline = time.monotonic() + 10
    while not as_wanted(page.evaluate(LIT_PIXELS)):
        assert time.monotonic() < deadline, "the screen stays as it is"
        page.wait_for_timeout(100)


def expect_screen(page: Page) -> None:
    expect(page.locator("#state-word")).to_have_text("Connected")
    wait_for_picture(page, lambda lit: lit > 200)


def test_the_screen_is_shown_and_comes_back_after_a_break(
    alice_page: Page, live_server: Any, server: Server
) -> None:
    page = alice_page
    page.goto(f"{live_server.url}/ui/servers/{server.uuid}/console/")
    expect_screen(page)
    page.get_by_role("button", name="Reconnect").first.click()
    expect_screen(page)
    page.reload()
    expect_screen(page)


def test_keys_reach_the_machine(alice_page: Page, live_server: Any, server: Server) -> None:
    """The firmware waits with its boot menu: Escape opens it, which changes the picture."""
    page = alice_page
    page.goto(f"{live_server.url}/ui/servers/{server.uuid}/console/")
    expect_screen(page)
    before = page.evaluate(LIT_PIXELS)
    page.locator("#screen canvas").click()
    page.keyboard.press("Escape")
    wait_for_picture(page, lambda lit: lit != before)


def test_an_address_with_a_ticket_works_once_in_a_fresh_browser(
    cloud: People, live_server: Any, server: Server, open_page: Callable[..., Page]
) -> None:
    url = rules.open_console(cloud.alice.caller, server.uuid, base=live_server.url)
    page = open_page()
    page.goto(url)
    expect_screen(page)
    expect(page.locator("#name")).to_have_text("web-1")
    assert "ticket" not in page.url
    again = open_page()
    again.goto(url)
    expect(again.get_by_text("This address was used already")).to_be_visible()
    again.get_by_role("button", name="Reconnect").last.click()
    expect(again.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_page_says_that_the_machine_is_gone(
    alice_page: Page, live_server: Any, server: Server, screen: Path
) -> None:
    page = alice_page
    page.goto(f"{live_server.url}/ui/servers/{server.uuid}/console/")
    expect_screen(page)
    screen.unlink()
    page.get_by_role("button", name="Reconnect").first.click()
    expect(page.get_by_text("The server has no screen now.")).to_be_visible()
    expect(page.locator("#state-word")).to_have_text("Not connected")
