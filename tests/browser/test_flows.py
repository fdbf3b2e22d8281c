"""What people do in a browser: by mouse, by keyboard, while things change under their hands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from synnefo.astakos.projects import rules as projects
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.networks import floating
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from tests.browser.conftest import press
from tests.conftest import SYSTEM, People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice@laptop"


def row(page: Page, name: str) -> Any:
    return page.locator(f'tr[data-name="{name}"]')


def menu(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=f"Actions for {name}")


def test_signing_in_by_keyboard_alone(
    cloud: People, live_server: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.goto(live_server.url)
    page.keyboard.type("alice@example.org")
    page.keyboard.press("Tab")
    page.keyboard.type("a-long-password-1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_list_follows_what_happens_without_being_touched(
    alice_page: Page, cloud: People, new_server: Callable[..., Server], settle: Callable[[], None]
) -> None:
    page, server = alice_page, new_server("web-1")
    page.reload()
    expect(row(page, "web-1")).to_contain_text("Running")
    page.evaluate("window.samePage = true")
    row(page, "web-1").get_by_role("checkbox").check()
    row(page, "web-1").get_by_role("link").focus()
    rules.stop(cloud.alice.caller, server.uuid)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(row(page, "web-1")).to_contain_text("Stopping")
    settle()
    expect(row(page, "web-1")).to_contain_text("Stopped")
    expect(page.locator("#announce")).to_have_text("web-1: Stopped")
    expect(row(page, "web-1").get_by_role("link")).to_be_focused()
    expect(row(page, "web-1").get_by_role("checkbox")).to_be_checked()
    assert page.evaluate("window.samePage")


def test_an_open_menu_stays_open_while_the_list_changes(
    alice_page: Page, cloud: People, new_server: Callable[..., Server], settle: Callable[[], None]
) -> None:
    page, server = alice_page, new_server("web-1")
    new_server("web-2")
    page.reload()
    menu(page, "web-2").click()
    rules.stop(cloud.alice.caller, server.uuid)
    settle()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(row(page, "web-1")).to_contain_text("Stopped")
    expect(page.get_by_role("button", name="Hard reboot")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Hard reboot")).to_be_hidden()


def test_a_press_counts_while_the_list_is_being_renewed(
    alice_page: Page, new_server: Callable[..., Server]
) -> None:
    page = alice_page
    new_server("web-1")
    page.reload()
    row(page, "web-1").get_by_role("checkbox").check()
    held: list[Route] = []
    page.route("**/ui/servers/rows/**", lambda route: held.append(route))
    with page.expect_request("**/ui/servers/rows/**"):
        page.evaluate("window.dispatchEvent(new Event('focus'))")
    bulk = page.get_by_role("group", name="For the ticked servers")
    bulk.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("web-1")
    for route in held:
        route.continue_()
    page.unroute_all(behavior="wait")


def test_an_action_of_the_menu_is_done_in_place(
    alice_page: Page, new_server: Callable[..., Server], settle: Callable[[], None]
) -> None:
    page, _ = alice_page, new_server("web-1")
    page.reload()
    page.evaluate("window.samePage = true")
    menu(page, "web-1").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator("#messages")).to_contain_text("web-1 is stopping.")
    expect(row(page, "web-1")).to_contain_text("Stopping")
    settle()
    expect(row(page, "web-1")).to_contain_text("Stopped")
    menu(page, "web-1").click()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert page.evaluate("window.samePage")


def test_ticked_servers_are_deleted_after_a_question_that_says_what_goes(
    alice_page: Page, cloud: People, new_server: Callable[..., Server], settle: Callable[[], None]
) -> None:
    page, server = alice_page, new_server("web-1")
    new_server("web-2")
    floating.create(cloud.alice.caller, port_uuid=server.ports.get().uuid)
    page.reload()
    page.get_by_label("Tick all servers on this page").check()
    expect(page.get_by_text("2 ticked")).to_be_visible()
    delete = page.get_by_role("group", name="For the ticked servers").get_by_role("button", name="Delete")
    delete.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("server web-1, its 1 GB disk and all that is on it")
    expect(dialog).to_contain_text("The floating IP 198.18.0.2 stays yours")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert Server.objects.filter(task="").count() == 2
    delete.click()
    expect(dialog.get_by_role("button", name="Delete 2 servers")).to_be_disabled()
    page.keyboard.type("2 servers")
    dialog.get_by_role("button", name="Delete 2 servers").click()
    expect(dialog).to_be_hidden()
    expect(row(page, "web-1")).to_contain_text("Deleting")
    settle()
    expect(page.get_by_role("heading", name="No servers yet")).to_be_visible()
    assert not floating.floating_ips_for(cloud.alice.caller).exists()


def test_the_list_is_searched_while_one_types(alice_page: Page, new_server: Callable[..., Server]) -> None:
    page = alice_page
    new_server("database")
    new_server("web-1")
    page.reload()
    page.locator("h1").click()
    press(page, "/")
    page.keyboard.type("data")
    expect(row(page, "web-1")).to_have_count(0)
    expect(row(page, "database")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?q=data$"))
    expect(page.locator("#search")).to_be_focused()
    page.go_back()
    expect(row(page, "web-1")).to_be_visible()


def test_a_server_is_created_from_an_empty_project(
    alice_page: Page, cloud: People, flavor: Any, settle: Callable[[], None]
) -> None:
    page = alice_page
    big = flavors.create(SYSTEM, cpu=4, ram=1024, disk=10)
    limits = {f"cyclades.{name}": (4, 4) for name in ("vm", "cpu", "total_cpu", "floating_ip")}
    projects.set_limits(SYSTEM, projects.get(cloud.alice.user.uuid), limits)
    press(page, "c")
    page.get_by_label("Name", exact=True).fill("web-1")
    cpus = page.locator('[data-resource="cyclades.cpu"]')
    expect(cpus).to_contain_text("0 → 1 of 4")
    page.get_by_role("radio", name="4 CPUs, 1 GB, 10 GB").check()
    expect(cpus).to_contain_text("0 → 4 of 4")
    page.get_by_role("radio", name="1 CPU, 256 MB, 1 GB").check()
    page.get_by_label("Public key").fill(KEY)
    command = page.locator("#same-openstack")
    for part in (f"--flavor {flavor.name}", "--key-name alice@laptop", "--network default", "web-1"):
        expect(command).to_contain_text(part)
    page.get_by_role("button", name="Create server").click()
    expect(page.get_by_role("heading", name="web-1")).to_be_visible()
    expect(page.get_by_text("Building")).to_be_visible()
    expect(page.get_by_text("shown this once")).to_be_visible()
    settle()
    expect(page.locator("#live > .head")).to_contain_text("Running")
    expect(page.get_by_text("ssh root@198.18.0.2")).to_be_visible()
    server = Server.objects.get()
    assert (server.flavor, server.key_name) == (flavor, "alice@laptop")
    assert big.servers.count() == 0


def test_a_refused_form_says_where_and_keeps_what_was_typed(alice_page: Page) -> None:
    page = alice_page
    page.get_by_role("link", name="Create server").click()
    page.get_by_label("Name", exact=True).fill("web-1")
    page.get_by_label("Public key").fill("rubbish")
    page.get_by_role("button", name="Create server").click()
    expect(page.locator("#summary")).to_be_focused()
    expect(page.get_by_label("Public key")).to_have_value("rubbish")
    expect(page.get_by_label("Name", exact=True)).to_have_value("web-1")
    expect(page.get_by_label("Public key")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("radio", name="None Log in by password").check()
    page.get_by_role("button", name="Create server").click()
    expect(page.get_by_role("heading", name="web-1")).to_be_visible()


def test_addresses_come_and_go_on_the_servers_page(
    alice_page: Page, live_server: Any, new_server: Callable[..., Server]
) -> None:
    page, server = alice_page, new_server("web-1")
    page.goto(f"{live_server.url}/ui/servers/{server.uuid}/")
    page.get_by_role("button", name="Add floating IP").click()
    expect(page.get_by_text("ssh root@198.18.0.2")).to_be_visible()
    page.get_by_role("button", name="Release 198.18.0.2").click()
    expect(page.get_by_text("ssh root@198.18.0.2")).to_be_hidden()
    expect(page.get_by_role("button", name="Add floating IP")).to_be_visible()


def test_an_address_is_copied_by_its_button(alice_page: Page, new_server: Callable[..., Server]) -> None:
    page, _ = alice_page, new_server("web-1")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.reload()
    page.get_by_role("button", name="Copy 192.168.0.2").click()
    expect(page.locator("#announce")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "192.168.0.2"


def test_the_theme_is_the_systems_until_one_chooses_and_is_remembered(
    alice_page: Page, live_server: Any
) -> None:
    page = alice_page
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Switch to light colours").click()
    page.goto(f"{live_server.url}/ui/servers/create/")
    expect(root).to_have_attribute("data-bs-theme", "light")


def test_everything_works_without_scripts(
    cloud: People, chromium: Any, live_server: Any, new_server: Callable[..., Server],
    sign_in: Callable[..., None], settle: Callable[[], None],
) -> None:  # fmt: skip
    new_server("web-1")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page)
    page.goto(f"{live_server.url}/ui/servers/")
    row(page, "web-1").get_by_role("checkbox").check()
    page.get_by_role("group", name="For the ticked servers").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete server").click()
    expect(page.get_by_text("Nothing was deleted.")).to_be_visible()
    page.get_by_label("Type web-1 to confirm").fill("web-1")
    page.get_by_role("button", name="Delete server").click()
    expect(page.get_by_text("web-1 is being deleted.")).to_be_visible()
    settle()
    page.goto(f"{live_server.url}/ui/servers/create/")
    page.get_by_label("Name", exact=True).fill("web-2")
    page.get_by_role("radio", name="None Log in by password").check()
    page.get_by_role("button", name="Create server").click()
    expect(page.get_by_role("heading", name="web-2")).to_be_visible()
    context.close()
