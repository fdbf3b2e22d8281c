"""The administrators' dashboard in a browser: a user suspended, a server stopped, and how its pages look."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from synnefo.astakos.accounts import rules as users
from synnefo.astakos.accounts import tokens
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from tests.browser.test_look import KEPT, ON_A_PHONE, examine, wear
from tests.conftest import SYSTEM, People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

KEPT.update({"admin-users", "admin-user", "admin-servers"})


@pytest.fixture
def root_page(
    transactional_db: None, cloud: People, live_server: Any, open_page: Callable[..., Page],
    sign_in: Callable[..., None],
) -> Page:  # fmt: skip
    """An administrator, signed in, on the dashboard."""
    page = open_page()
    sign_in(page, "root")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("link", name="Administration").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    return page


def test_a_suspended_user_is_thrown_out_of_pages_and_apis(
    root_page: Page, cloud: People, live_server: Any, open_page: Callable[..., Page],
    sign_in: Callable[..., None],
) -> None:  # fmt: skip
    alices = open_page()
    sign_in(alices, "alice")
    token, _ = tokens.create_api_token(cloud.alice.caller, cloud.alice.user, "script")
    projects = f"{live_server.url}/astakos/identity/v3/auth/projects"
    assert httpx.get(projects, headers={"X-Auth-Token": token}).status_code == 200

    page = root_page
    page.get_by_role("link", name="Users").first.click()
    page.locator("#searchbar").fill("alice")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="alice@example.org").click()
    page.get_by_role("link", name="Suspend").click()
    expect(page.get_by_role("heading", name="Suspend alice@example.org?")).to_be_visible()
    page.get_by_label("Reason").fill("sends spam")
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_text("alice@example.org is suspended.")).to_be_visible()
    expect(page.get_by_text("sends spam").first).to_be_visible()

    alices.reload()
    expect(alices.get_by_role("heading", name="Sign in")).to_be_visible()
    alices.get_by_label("E-mail").fill("alice@example.org")
    alices.get_by_label("Password").fill("a-long-password-1")
    alices.get_by_role("button", name="Sign in", exact=True).click()
    expect(alices.get_by_role("alert")).to_be_visible()
    assert httpx.get(projects, headers={"X-Auth-Token": token}).status_code == 401

    page.get_by_role("link", name="Resume").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("alice@example.org can use the cloud again.")).to_be_visible()
    assert httpx.get(projects, headers={"X-Auth-Token": token}).status_code == 200


def test_ticked_servers_are_stopped_and_their_owner_sees_it(
    root_page: Page, cloud: People, new_server: Callable[..., Server], settle: Callable[[], None],
    open_page: Callable[..., Page], sign_in: Callable[..., None], live_server: Any,
) -> None:  # fmt: skip
    page = root_page
    new_server("web-1")
    new_server("web-2")
    page.get_by_role("link", name="Servers").first.click()
    expect(page.locator("input.action-select")).to_have_count(2)
    for box in page.locator("input.action-select").all():
        box.check()
    page.get_by_label("What to do with the ticked rows").select_option("stop")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("heading", name="Stop 2 servers?")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("2 servers: each is stopping.")).to_be_visible()
    settle()
    page.reload()
    expect(page.locator("#result_list").get_by_text("Stopped")).to_have_count(2)
    alices = open_page()
    sign_in(alices, "alice")
    alices.goto(f"{live_server.url}/ui/servers/{Server.objects.get(name='web-1').uuid}/")
    expect(alices.locator("#live")).to_contain_text("Stopped")


def test_filters_work_by_keyboard_and_the_theme_is_the_consoles(
    root_page: Page, cloud: People, live_server: Any
) -> None:
    page = root_page
    users.deactivate(SYSTEM, cloud.bob.user, reason="away")
    page.goto(f"{live_server.url}/admin/users/")
    page.get_by_role("button", name="Filters").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Suspended").click()
    expect(page.get_by_role("link", name="bob@example.org")).to_be_visible()
    expect(page.get_by_role("link", name="alice@example.org")).to_have_count(0)
    expect(page).to_have_url(re.compile("state=suspended"))
    page.goto(f"{live_server.url}/ui/tokens/")
    page.get_by_role("button", name="Switch to dark colours").click()
    page.goto(f"{live_server.url}/admin/")
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    page.get_by_text("root@example.org").click()
    page.get_by_role("button", name="Light").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.goto(f"{live_server.url}/ui/tokens/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


@pytest.fixture
def busy(
    cloud: People,
    new_person: Callable[..., Any],
    new_server: Callable[..., Server],
    settle: Callable[[], None],
) -> People:
    """Some users and servers in several states."""
    for name in ("carol", "dave", "erin"):
        person = new_person(name)
    users.deactivate(cloud.admin.caller, person.user, reason="Sends spam, see ticket 4711")
    users.create(SYSTEM, "frank@example.org", "Frank", "Newcomer")
    for name in ("web-1", "web-2", "database", "build-runner"):
        new_server(name)
    Server.objects.filter(name="database").update(operstate="ERROR", fault="No space left on its disk.")
    rules.stop(cloud.alice.caller, Server.objects.get(name="build-runner").uuid)
    settle()
    rules.reboot(cloud.alice.caller, Server.objects.get(name="web-2").uuid, hard=False)
    return cloud


def test_pages_are_sound_in_both_themes_and_on_a_phone(
    busy: People, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None],
) -> None:  # fmt: skip
    page = open_page()
    sign_in(page, "root")
    admin = f"{live_server.url}/admin"
    page.goto(f"{admin}/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    examine(page, "admin-overview")
    page.goto(f"{admin}/users/")
    examine(page, "admin-users")
    page.locator("input.action-select").nth(1).check()
    expect(page.get_by_label("What to do with the ticked rows")).to_be_visible()
    examine(page, "admin-users-ticked", whole=False)
    page.goto(f"{admin}/users/?q=erin")
    page.get_by_role("link", name="erin@example.org").click()
    expect(page.get_by_role("heading", name="Quota")).to_be_visible()
    examine(page, "admin-user")
    page.goto(f"{admin}/users/act/suspend/?row={busy.alice.user.pk}&row={busy.bob.user.pk}")
    examine(page, "admin-suspend")
    page.goto(f"{admin}/users/?q=nobody")
    examine(page, "admin-nobody")
    page.goto(f"{admin}/servers/")
    examine(page, "admin-servers")
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_role("link", name="Changing")).to_be_visible()
    examine(page, "admin-filters", whole=False)
    page.goto(f"{admin}/servers/")
    page.get_by_role("link", name="web-1").click()
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
    examine(page, "admin-server")
    page.goto(f"{admin}/flavors/")
    examine(page, "admin-flavors")
    page.get_by_role("link", name="C1R256D1local").click()
    expect(page.get_by_role("heading", name="Extra specs")).to_be_visible()
    examine(page, "admin-flavor")
    wear(page, *ON_A_PHONE[0])
    page.get_by_role("button", name="Menu", exact=True).click()
    expect(page.get_by_role("link", name="Users")).to_be_visible()
    examine(page, "admin-places", whole=False, looks=ON_A_PHONE)
