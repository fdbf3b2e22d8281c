"""Images in a real browser: from a file to an image to the form for a server; how the pages look."""

from __future__ import annotations

import datetime
import re
import struct
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from synnefo.common.units import GIB
from synnefo.cyclades.images import members, rules
from synnefo.cyclades.images.models import Image
from tests.browser.test_files import Shelf
from tests.browser.test_look import KEPT, examine
from tests.conftest import People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

KEPT.update(("images", "images-register"))


def qcow2(size_bytes: int, file_bytes: int) -> bytes:
    """A file that begins as a qcow2 of that size does."""
    header = struct.pack(">4sIQIIQI", b"QFI\xfb", 3, 0, 0, 16, size_bytes, 0)
    return header + bytes(file_bytes - len(header))


def row(page: Page, name: str) -> Any:
    return page.locator(f'tr[data-name="{name}"]')


@pytest.fixture
def shelf(transactional_db: None, cloud: People) -> Shelf:
    found = Shelf(cloud.alice.caller)
    found.put("debian 12.qcow2", qcow2(8 * GIB, 600_000), "application/octet-stream")
    return found


@pytest.fixture
def full_shelf(shelf: Shelf, cloud: People) -> Shelf:
    """Images as people have them."""
    caller, at = cloud.alice.caller, f"pithos://{cloud.alice.user.uuid}/docs/"
    about = {"description": "Debian 12 with our tools", "os": "debian", "users": "root debian"}
    for number, name in enumerate(("build-runner", "web-base", "database-base")):
        shelf.put(f"{name}.qcow2", qcow2((4 + number) * GIB, 300_000 * (number + 1)))
        properties = about if number else {}
        made = rules.register_location(caller, f"{at}{name}.qcow2", name=name, properties=properties)
        created = timezone.now() - datetime.timedelta(hours=7 ** (3 - number))
        Image.objects.filter(pk=made.pk).update(created=created, is_public=number == 1)
    members.add(caller, made.uuid, cloud.bob.user.uuid)
    rules.announce(caller, uuid=None, disk_format="raw", properties={}, name="windows")
    return shelf


def test_a_file_becomes_an_image_and_the_image_a_server(
    shelf: Shelf, alice_page: Page, live_server: Any
) -> None:
    page = alice_page
    page.goto(f"{live_server.url}/ui/files/object/?in=docs&name=debian 12.qcow2")
    page.get_by_role("link", name="Make an image of this file").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("debian 12")
    expect(page.locator("dl.facts")).to_contain_text("qcow2")
    page.get_by_label("Description").fill("fresh")
    expect(page.locator("#same-openstack")).to_contain_text("--property description=fresh")
    page.get_by_label("Name", exact=True).fill("")
    page.keyboard.press("Enter")
    expect(page.locator("#summary")).to_contain_text("Give the image a name.")
    expect(page.get_by_label("Description")).to_have_value("fresh")
    page.get_by_label("Name", exact=True).fill("Debian")
    page.get_by_role("button", name="Register image").click()
    expect(page.get_by_text("Image Debian is there.")).to_be_visible()
    expect(row(page, "Debian")).to_contain_text("8 GB")
    page.get_by_role("button", name="Actions for Debian").click()
    page.get_by_role("link", name="Rename or describe").click()
    page.get_by_label("Name", exact=True).fill("Debian 12")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Actions for Debian 12").click()
    page.get_by_role("link", name="Create server from it").click()
    expect(page.get_by_role("radio", name=re.compile("Debian 12"))).to_be_checked()


def test_an_image_is_removed_in_place_and_its_file_stays(
    full_shelf: Shelf, alice_page: Page, live_server: Any
) -> None:
    page = alice_page
    page.goto(f"{live_server.url}/ui/images/?sort=name")
    page.get_by_role("button", name="Actions for web-base").click()
    page.get_by_role("link", name="Remove").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("stays among the files")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Actions for web-base").click()
    page.get_by_role("link", name="Remove").click()
    dialog.get_by_role("button", name="Remove image").click()
    expect(page.get_by_text("Image web-base is removed.")).to_be_visible()
    expect(row(page, "web-base")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"\?sort=name$"))
    assert "web-base.qcow2" in full_shelf.names()


def test_images_are_sound_in_both_themes_and_on_a_phone(
    full_shelf: Shelf, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None],
) -> None:  # fmt: skip
    page = open_page()
    sign_in(page)
    page.goto(f"{live_server.url}/ui/images/")
    examine(page, "images")
    page.get_by_role("button", name="Actions for web-base").click()
    expect(page.get_by_role("link", name="Remove")).to_be_visible()
    examine(page, "images-menu")
    page.get_by_role("link", name="Remove").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    examine(page, "images-remove", whole=False)
    page.goto(f"{live_server.url}/ui/files/object/?in=docs&name=debian 12.qcow2")
    examine(page, "images-file")
    page.get_by_role("link", name="Make an image of this file").click()
    page.get_by_label("Users to log in as").fill("root")
    expect(page.locator("#same-openstack")).to_contain_text("users=root")
    page.evaluate("scrollTo(0, 0)")
    examine(page, "images-register")
    page.get_by_label("File", exact=True).fill("pithos://nothing")
    page.get_by_role("button", name="Register image").click()
    expect(page.locator("#summary")).to_be_visible()
    examine(page, "images-refused")
    page.goto(f"{live_server.url}/ui/images/{Image.objects.get(name='web-base').uuid}/edit/")
    examine(page, "images-edit")
    Image.objects.all().delete()
    page.goto(f"{live_server.url}/ui/images/")
    examine(page, "images-none")
