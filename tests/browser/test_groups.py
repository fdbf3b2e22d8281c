"""Security groups as people use them, and how their pages look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from synnefo.cyclades.networks import groups
from synnefo.cyclades.networks.models import SecurityGroup
from synnefo.cyclades.servers.models import Server
from tests.browser.conftest import press
from tests.browser.test_look import examine
from tests.conftest import People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]


def test_a_group_is_made_gets_a_rule_and_is_put_on_a_server_by_keyboard(
    alice_page: Page, live_server: Any, new_server: Callable[..., Server]
) -> None:
    page, server = alice_page, new_server("web-1")
    page.goto(f"{live_server.url}/ui/security-groups/")
    press(page, "c")
    page.wait_for_url("**/security-groups/create/")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("web")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="web", exact=True)).to_be_visible()
    page.get_by_role("link", name="Add rule").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("What")).to_be_focused()
    page.get_by_label("What").select_option(label="HTTPS (TCP 443)")
    page.get_by_role("button", name="Add rule").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="443")).to_contain_text("everybody")
    page.get_by_role("link", name="Put on a server").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Put on").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="web-1")).to_contain_text("192.168.0.2")
    assert [row.name for row in server.ports.get().security_groups.order_by("name")] == ["default", "web"]
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("web is in use")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Take web from web-1").click()
    expect(page.get_by_text("None yet.")).to_be_visible()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete security group").click()
    expect(page.get_by_text("Security group web is deleted.")).to_be_visible()
    assert not SecurityGroup.objects.filter(name="web").exists()


def test_security_groups_are_sound_in_both_themes_and_on_a_phone(
    cloud: People, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None],
    new_server: Callable[..., Server],
) -> None:  # fmt: skip
    web = groups.create(cloud.alice.caller, name="web", description="what browsers need")
    groups.add_rule(
        cloud.alice.caller, web.uuid, groups.Wish("ingress", protocol="tcp", port_min=443, port_max=443)
    )
    new_server("web-1")
    page = open_page()
    sign_in(page)
    page.goto(f"{live_server.url}/ui/security-groups/")
    examine(page, "groups")
    page.get_by_role("link", name="default", exact=True).click()
    expect(page.get_by_role("heading", name="Rules")).to_be_visible()
    examine(page, "group")
    page.get_by_role("link", name="Add rule").click()
    expect(page.get_by_role("dialog")).to_contain_text("Add rule to default")
    examine(page, "group-rule", whole=False)
    page.goto(f"{live_server.url}/ui/security-groups/create/")
    page.get_by_label("Name", exact=True).fill("database")
    expect(page.locator("#same-openstack")).to_contain_text("security group create database")
    examine(page, "group-create")
