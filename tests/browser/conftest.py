"""A real browser on the real pages: chromium from the system, the cloud of ``tests.conftest`` behind it."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from synnefo.common.ids import new_uuid
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import NicRequest, ServerRequest
from tests.conftest import People

# Playwright runs an event loop in this thread, where Django would refuse its database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

PASSWORD = "a-long-password-1"

#: This machine under a name by which browsers do not trust it: without TLS its pages are not secure ones.
ELSEWHERE = "cloud.example.org"

# Machines that run tests are busy machines.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


def press(page: Page, key: str) -> None:
    """A key that the page itself listens to: it does so once it is loaded, which its headings are before."""
    page.wait_for_load_state()
    page.keyboard.press(key)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Ended with its module: while it runs this thread has an event loop, which others cannot use."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--no-proxy-server",
                f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


#: A browser reports these answers as errors, the pages mean them; htmx, that one left while it asked.
_MEANT = re.compile(
    r"status of (40[049]|422) |^Response Status Error Code 422 |Connection closed \(code: 4\d\d\d|"
    r"^htmx:(afterRequest|sendError|sendAbort),"
)


@pytest.fixture(autouse=True)
def troubles() -> Iterator[list[str]]:
    """What the browser complained about: errors of scripts, missing files, violated policies."""
    found: list[str] = []
    yield found
    assert [line for line in found if not _MEANT.search(line)] == []


@pytest.fixture
def open_page(chromium: Browser, troubles: list[str]) -> Iterator[Callable[..., Page]]:
    """Makes pages of browser windows of their own; ``width``, ``height``, ``theme`` as asked for."""
    contexts: list[BrowserContext] = []

    def make(*, width: int = 1280, height: int = 800, theme: Any = "light", scale: float = 1) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, device_scale_factor=scale,
            reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
        page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def sign_in(live_server: Any) -> Callable[[Page, str], None]:
    def do(page: Page, name: str = "alice") -> None:
        page.goto(f"{live_server.url}/ui/")
        page.get_by_label("E-mail").fill(f"{name}@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/ui/")

    return do


@pytest.fixture
def alice_page(
    transactional_db: None, cloud: People, live_server: Any, open_page: Callable[..., Page],
    sign_in: Callable[..., None],
) -> Page:  # fmt: skip
    """Alice, signed in, on the list of her servers."""
    page = open_page()
    sign_in(page)
    page.goto(f"{live_server.url}/ui/servers/")
    return page


@pytest.fixture
def network(cloud: People) -> Any:
    made = networks.create(cloud.alice.caller, name="default")
    networks.create_subnet(cloud.alice.caller, made.uuid, cidr="192.168.0.0/24")
    return made


@pytest.fixture
def new_server(
    transactional_db: None, cloud: People, image: Any, flavor: Any, network: Any, settle: Callable[[], None]
) -> Callable[..., Server]:
    """Makes running servers of Alice's."""

    def make(name: str, **more: Any) -> Server:
        request = ServerRequest(name, image.uuid, flavor.uuid, [NicRequest(network=network.uuid)], **more)
        caller = dataclasses.replace(cloud.alice.caller, request_id=f"req-{new_uuid()}")
        made, _ = servers.create(caller, request)
        settle()
        return Server.objects.get(pk=made.pk)

    return make
