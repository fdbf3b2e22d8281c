"""What a new user does in a browser, and by no other tool, on a real cloud: from a key to a shell."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.cloud import Cloud

USER, PASSWORD = "dora@example.org", "correct-horse-9"
#: A machine is made and boots under emulation meanwhile.
SOON_MS = 120_000


@pytest.fixture(scope="module")
def chromium(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser on the cloud's machine; ended with the module, since it has an event loop of its own."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("there is no chromium on this machine")
    starter = tmp_path_factory.mktemp("chromium") / "chromium"
    starter.write_text(f'#!/bin/sh\nexec {shlex.join(cloud.machine.inside(found))} "$@"\n')
    starter.chmod(0o755)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=starter, args=["--no-sandbox", "--disable-gpu", "--no-proxy-server"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def sign_in(cloud: Cloud, chromium: Browser) -> Callable[[str, str], Page]:
    """Opens windows of people who are signed in."""

    def do(user: str, password: str) -> Page:
        context = chromium.new_context(reduced_motion="reduce")
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.goto(f"{cloud.url}/ui/")
        page.get_by_label("E-mail").fill(user)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("link", name="Servers", exact=True)).to_be_visible()
        return page

    return do


@pytest.fixture(scope="module")
def login(cloud: Cloud) -> dict[str, str]:
    """Dora's, for the command line that clears up."""
    return cloud.new_user(USER, PASSWORD)


@pytest.fixture(scope="module")
def dora(login: dict[str, str], sign_in: Callable[[str, str], Page]) -> Page:
    return sign_in(USER, PASSWORD)


@pytest.fixture(scope="module")
def administrator(cloud: Cloud, sign_in: Callable[[str, str], Page]) -> Page:
    login = cloud.login()
    return sign_in(login["OS_USERNAME"], login["OS_PASSWORD"])


def go(page: Page, place: str) -> None:
    page.get_by_role("link", name=place, exact=True).first.click()


def row(page: Page, name: str) -> Any:
    return page.locator(f'tr[data-name="{name}"]')


@pytest.fixture(scope="module")
def machine(cloud: Cloud, dora: Page) -> str:
    """The address of a machine that came into being by clicks alone: key, network, server, floating IP."""
    page = dora
    go(page, "Keys")
    page.get_by_role("link", name="Add key").first.click()
    page.get_by_label("Public key").fill((cloud.key.with_name(f"{cloud.key.name}.pub")).read_text())
    page.get_by_label("Name").first.fill("laptop")
    page.get_by_role("button", name="Add key").click()
    expect(row(page, "laptop")).to_be_visible()
    go(page, "Networks")
    page.get_by_role("link", name="Create network").first.click()
    page.get_by_label("Name", exact=True).fill("backend")
    page.get_by_role("button", name="Create network").click()
    expect(page.get_by_role("heading", name="backend")).to_be_visible()
    go(page, "Servers")
    page.get_by_role("link", name="Create server").first.click()
    page.get_by_label("Name", exact=True).fill("shop")
    page.get_by_role("radio", name=re.compile("^tiny")).check()
    page.get_by_role("radio", name=re.compile("^1 CPU, 128 MB")).check()
    page.get_by_role("radio", name=re.compile("^backend")).check()
    page.get_by_label("Give it a floating IP").check()
    page.get_by_role("radio", name=re.compile("^laptop")).check()
    page.get_by_role("button", name="Create server").click()
    expect(page.locator("#live > .head")).to_contain_text("Running", timeout=SOON_MS)
    login = page.get_by_text(re.compile(r"ssh \w+@198\.18\."))
    expect(login).to_be_visible(timeout=SOON_MS)
    return (login.text_content() or "").split("@")[1].split()[0]


def test_a_machine_made_by_clicks_answers_to_the_key(cloud: Cloud, machine: str) -> None:
    cloud.wait_for_ssh(machine)
    assert cloud.ssh(machine, "hostname").strip() == "shop"


def test_its_screen_is_in_the_browser(dora: Page, machine: str) -> None:
    go(dora, "Servers")
    row(dora, "shop").get_by_role("link", name="shop").click()
    with dora.expect_popup() as opened:
        dora.get_by_role("link", name="Console").click()
    expect(opened.value.locator("canvas")).to_be_visible(timeout=SOON_MS)
    opened.value.close()


def test_files_go_up_come_down_and_come_back_from_the_trash(dora: Page, tmp_path: Path, cloud: Cloud) -> None:
    page = dora
    page.goto(f"{cloud.url}/ui/")
    go(page, "Files")
    page.get_by_role("link", name="Create container").first.click()
    page.get_by_label("Name", exact=True).fill("docs")
    page.get_by_role("button", name="Create container").click()
    paper = tmp_path / "paper.bin"
    paper.write_bytes(os.urandom(9 * 1024 * 1024))
    page.locator("#files-input").set_input_files(str(paper))
    expect(row(page, "paper.bin")).to_be_visible(timeout=SOON_MS)
    row(page, "paper.bin").get_by_role("button", name="Actions for paper.bin").click()
    with page.expect_download() as download:
        row(page, "paper.bin").get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes() == paper.read_bytes()
    row(page, "paper.bin").get_by_role("button", name="Actions for paper.bin").click()
    row(page, "paper.bin").get_by_role("button", name="Delete").click()
    expect(row(page, "paper.bin")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "paper.bin")).to_be_visible()


def test_a_token_is_made_that_the_command_line_takes(cloud: Cloud, dora: Page, tmp_path: Path) -> None:
    page = dora
    page.goto(f"{cloud.url}/ui/")
    go(page, "Tokens")
    page.get_by_role("link", name="Create token").first.click()
    page.get_by_label("Name", exact=True).fill("laptop")
    page.get_by_role("button", name="Create token").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download clouds.yaml").click()
    download.value.save_as(tmp_path / "clouds.yaml")
    found = cloud.openstack(
        "object", "list", "docs",
        user={"OS_CLOUD": "synnefo", "OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml")},
    )  # fmt: skip
    assert [one["Name"] for one in found] == ["paper.bin"]


def test_an_administrator_stops_a_server_and_suspends_its_owner(
    cloud: Cloud, dora: Page, login: dict[str, str], administrator: Page, machine: str
) -> None:
    page = administrator
    page.goto(f"{cloud.url}/admin/servers/?q=shop")
    page.get_by_role("link", name="shop").click()
    page.get_by_role("link", name="Stop").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("is stopping")).to_be_visible()
    dora.goto(f"{cloud.url}/ui/servers/")
    expect(row(dora, "shop")).to_contain_text("Stopped", timeout=SOON_MS)
    cloud.openstack("server", "delete", "--wait", "shop", user=login)
    cloud.openstack("floating", "ip", "delete", machine, user=login)
    cloud.openstack("network", "delete", "backend", user=login)
    page.goto(f"{cloud.url}/admin/users/?q={USER}")
    page.get_by_role("link", name=USER).click()
    page.get_by_role("link", name="Suspend").click()
    page.get_by_label("Reason").fill("has not paid")
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_text(f"{USER} is suspended.")).to_be_visible()
    dora.goto(f"{cloud.url}/ui/servers/")
    expect(dora.get_by_role("heading", name="Sign in")).to_be_visible()
