"""What people do with networks, floating IPs and keys in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from synnefo.cyclades.networks.models import IPAddress, Network
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from tests.browser.conftest import press
from tests.conftest import People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice@laptop"


def row(page: Page, name: str) -> Any:
    return page.locator(f'tr[data-name="{name}"]')


def test_first_steps_lead_from_an_empty_cloud_to_a_network(alice_page: Page, live_server: Any) -> None:
    page = alice_page
    page.goto(f"{live_server.url}/ui/")
    page.get_by_role("link", name="Create network").click()
    expect(page.get_by_label("Range of addresses")).to_have_value("192.168.0.0/24")
    page.get_by_role("tab", name="openstack").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#same-kamaki")).to_be_visible()
    page.get_by_label("Gateway").uncheck()
    expect(page.locator("#same-kamaki")).to_contain_text("--no-gateway")
    page.get_by_label("Name", exact=True).fill("closed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="closed")).to_be_visible()
    expect(page.get_by_text("none: no way out")).to_be_visible()
    page.goto(f"{live_server.url}/ui/")
    expect(page.get_by_text("Done: Create a network")).to_be_attached()
    page.goto(f"{live_server.url}/ui/networks/create/")
    expect(page.locator("#same-kamaki")).to_be_visible()


def test_a_network_is_renamed_and_deleted_in_place(alice_page: Page, live_server: Any, network: Any) -> None:
    page = alice_page
    page.goto(f"{live_server.url}/ui/networks/")
    page.get_by_role("button", name="Actions for default").click()
    page.get_by_role("link", name="Rename").click()
    expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("front")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="front")).to_be_visible()
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("dialog")).to_contain_text("network front and its range 192.168.0.0/24")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete network").click()
    expect(page.get_by_text("Network front is deleted.")).to_be_visible()
    assert not Network.objects.filter(public=False, deleted=False).exists()


def test_a_floating_ip_is_allocated_moved_detached_and_released(
    alice_page: Page, live_server: Any, new_server: Callable[..., Server]
) -> None:
    page = alice_page
    new_server("web-1")
    new_server("web-2")
    page.goto(f"{live_server.url}/ui/floating-ips/")
    press(page, "c")
    page.get_by_label("Leads to").select_option(label="web-1 (192.168.0.2 on default)")
    page.get_by_role("button", name="Allocate floating IP").click()
    expect(page.get_by_text("198.18.0.2 is yours and leads to web-1 now.")).to_be_visible()
    page.get_by_role("button", name="Actions for 198.18.0.2").click()
    page.get_by_role("link", name="Move").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It leads to web-1 now")
    dialog.get_by_role("button", name="Move").click()
    expect(row(page, "198.18.0.2")).to_contain_text("web-2")
    page.get_by_label("Tick 198.18.0.2").check()
    bulk = page.get_by_role("group", name="For the ticked floating IPs")
    bulk.get_by_role("button", name="Detach").click()
    expect(row(page, "198.18.0.2")).to_contain_text("nothing")
    page.get_by_label("Tick 198.18.0.2").check()
    bulk.get_by_role("button", name="Release").click()
    dialog.get_by_role("button", name="Release").click()
    expect(page.get_by_role("heading", name="No floating IPs yet")).to_be_visible()
    assert not IPAddress.objects.filter(floating_ip=True).exists()


def test_a_key_is_pasted_and_another_is_made_and_downloaded_once(alice_page: Page, live_server: Any) -> None:
    page = alice_page
    page.goto(f"{live_server.url}/ui/keys/")
    press(page, "c")
    page.get_by_label("Public key").fill(KEY)
    expect(page.locator("#same-openstack")).to_contain_text("alice@laptop")
    page.get_by_role("button", name="Add key").click()
    expect(row(page, "alice@laptop")).to_contain_text("ssh-ed25519")
    page.get_by_role("link", name="Add key").click()
    page.get_by_label("Make one for me").check()
    expect(page.get_by_label("Public key")).to_be_hidden()
    page.get_by_label("Name", exact=True).fill("second")
    page.get_by_role("button", name="Add key").click()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Download").click()
    assert saving.value.suggested_filename == "second.pem"
    with open(saving.value.path()) as file:
        assert file.read().startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    page.get_by_role("link", name="I have it").click()
    page.get_by_label("Tick all keys on this page").check()
    page.get_by_role("group", name="For the ticked keys").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete 2 keys").click()
    expect(page.get_by_role("heading", name="No keys yet")).to_be_visible()


def test_the_dashboard_follows_what_happens(
    alice_page: Page, live_server: Any, cloud: People, new_server: Callable[..., Server],
    settle: Callable[[], None],
) -> None:  # fmt: skip
    page, server = alice_page, new_server("web-1")
    page.goto(f"{live_server.url}/ui/")
    page.evaluate("window.samePage = true")
    expect(row(page, "web-1")).to_contain_text("Running")
    rules.stop(cloud.alice.caller, server.uuid)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(row(page, "web-1")).to_contain_text("Stopping")
    settle()
    expect(row(page, "web-1")).to_contain_text("Stopped")
    expect(page.locator("#announce")).to_have_text("web-1: Stopped")
    page.get_by_role("link", name=re.compile("Stopped")).click()
    expect(page).to_have_url(re.compile(r"/ui/servers/\?state=stopped$"))
    expect(row(page, "web-1")).to_be_visible()


def test_a_server_is_deleted_only_by_its_name(
    alice_page: Page, live_server: Any, new_server: Callable[..., Server], settle: Callable[[], None]
) -> None:
    page, server = alice_page, new_server("web-1")
    page.goto(f"{live_server.url}/ui/servers/{server.uuid}/")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Delete").click()
    button = page.get_by_role("button", name="Delete server")
    expect(button).to_be_disabled()
    page.keyboard.type("web-")
    expect(button).to_be_disabled()
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator(".head")).to_contain_text("Deleting")
    settle()
    expect(page.get_by_text("The server is deleted.")).to_be_visible()
