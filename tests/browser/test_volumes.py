"""Volumes and snapshots as people use them, and how their pages look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from synnefo.cyclades.servers import volumes as attached
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.volumes import rules, snapshots
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.requests import VolumeRequest
from tests.browser.test_look import examine, limit
from tests.conftest import People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def disks(cloud: People, new_server: Callable[..., Server], settle: Callable[[], None]) -> Callable[[], None]:
    """Volumes as people have them: in a server, free, broken; one with a snapshot."""
    caller = cloud.alice.caller
    limit(cloud)
    server = new_server("web-1")
    data, logs, broken = (
        rules.create(caller, VolumeRequest(size_gib=size, name=name))
        for name, size in (("data", 8), ("logs", 2), ("old", 4))
    )
    attached.attach(caller, server.uuid, data.uuid)
    settle()
    snapshots.create(caller, logs.uuid, name="logs 2026-11-21")
    settle()
    Volume.objects.filter(pk=broken.pk).update(status="ERROR", fault="Its host has no room left.")
    return settle


def test_volumes_and_snapshots_are_sound_in_both_themes_and_on_a_phone(
    disks: Callable[[], None], live_server: Any, open_page: Callable[..., Page],
    sign_in: Callable[..., None],
) -> None:  # fmt: skip
    page = open_page()
    sign_in(page)
    page.goto(f"{live_server.url}/ui/volumes/")
    examine(page, "volumes")
    page.get_by_role("button", name="Actions for data").click()
    expect(page.get_by_role("link", name="Detach")).to_be_visible()
    examine(page, "volume-menu", whole=False)
    page.get_by_role("link", name="Extend").click()
    expect(page.get_by_role("dialog")).to_contain_text("Size in GB")
    examine(page, "volume-extend", whole=False)
    page.keyboard.press("Escape")
    page.goto(f"{live_server.url}/ui/volumes/?q=logs")
    page.get_by_role("link", name="logs", exact=True).click()
    expect(page.get_by_role("heading", name="Snapshots")).to_be_visible()
    examine(page, "volume")
    page.goto(f"{live_server.url}/ui/volumes/create/")
    page.get_by_label("Name", exact=True).fill("data 2")
    page.get_by_label("Size in GB").fill("30")
    expect(page.locator("#same-openstack")).to_contain_text("--size 30 'data 2'")
    expect(page.locator("#cost")).to_contain_text("→ 45 GB of 60 GB")
    examine(page, "volume-create")
    page.get_by_label("Size in GB").fill("3000")
    expect(page.locator("#forbidden")).to_be_visible()
    examine(page, "volume-too-large")
    page.goto(f"{live_server.url}/ui/snapshots/")
    examine(page, "snapshots")


def test_a_volume_is_made_attached_and_deleted_by_keyboard(
    disks: Callable[[], None], live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None]
) -> None:
    page = open_page()
    sign_in(page)
    page.goto(f"{live_server.url}/ui/volumes/")
    page.keyboard.press("c")
    page.wait_for_url("**/volumes/create/")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("fresh")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="fresh", exact=True)).to_be_visible()
    page.get_by_role("link", name="Attach").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Server")).to_be_focused()
    page.get_by_role("dialog").get_by_role("button", name="Attach").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Being attached", exact=True)).to_be_visible()
    disks()
    expect(page.get_by_text("In use", exact=True)).to_be_visible()
    page.get_by_role("link", name="Delete").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("web-1 loses that disk")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert Volume.objects.get(name="fresh").status == "IN_USE"
