"""Sharing in a real browser: with people, with groups, with whoever knows a link; settings of programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path as Local
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from synnefo.pithos.blocks.content import EMPTY
from synnefo.pithos.namespace import containers, objects, sharing
from synnefo.pithos.namespace.names import Path
from tests.browser.conftest import press
from tests.browser.test_files import Shelf, menu, row, state, upload
from tests.browser.test_look import KEPT, examine
from tests.conftest import People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

KEPT.update(("files-share", "files-shared", "files-groups", "files-settings", "files-programs"))


@pytest.fixture
def shelf(transactional_db: None, cloud: People) -> Shelf:
    """Alice's files: a folder with two, and one beside it."""
    made = Shelf(cloud.alice.caller)
    made.put("plans/summer.txt", b"the sea")
    made.put("plans/winter.txt", b"the fire")
    made.put("letter.txt", b"dear stranger")
    return made


def share(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}/ui/files/share/?in=docs&name={name}")


def test_a_folder_is_shared_written_to_and_a_file_is_opened_by_link(
    shelf: Shelf, cloud: People, live_server: Any, open_page: Callable[..., Page],
    sign_in: Callable[..., None], tmp_path: Local, troubles: list[str],
) -> None:  # fmt: skip
    alice = open_page()
    sign_in(alice)
    alice.goto(f"{live_server.url}/ui/files/folder/?in=docs")
    menu(alice, "plans")
    row(alice, "plans").get_by_role("link", name="Share…").click()
    alice.get_by_label("E-mail address").fill("nobody@example.org")
    alice.get_by_role("button", name="Share", exact=True).click()
    expect(alice.get_by_role("alert")).to_contain_text("Nobody here has the address nobody@example.org.")
    alice.get_by_label("E-mail address").fill("bob@example.org")
    alice.get_by_label("They").select_option("write")
    alice.get_by_role("button", name="Share", exact=True).click()
    expect(alice.get_by_text("bob@example.org can read and write plans.")).to_be_visible()

    bob = open_page()
    sign_in(bob, "bob")
    bob.goto(f"{live_server.url}/ui/files/")
    bob.get_by_role("link", name="Shared with me").click()
    expect(bob.get_by_role("heading", name="alice@example.org")).to_be_visible()
    bob.get_by_role("link", name="docs").click()
    expect(bob.locator("tbody tr")).to_have_count(1)
    bob.get_by_role("link", name="plans").click()
    expect(bob.get_by_role("link", name="summer.txt")).to_be_visible()
    bob.wait_for_load_state()  # a download that begins before may end the loading of scripts
    with bob.expect_download() as download:
        bob.get_by_role("link", name="summer.txt").click()
    assert Local(download.value.path()).read_bytes() == b"the sea"
    file = tmp_path / "from-bob.txt"
    file.write_text("bob was here")
    upload(bob, file)
    expect(state(bob, "from-bob.txt")).to_have_text("Done: 12 bytes sent")
    expect(bob.locator('tr[data-name="from-bob.txt"]')).to_be_visible()
    assert shelf.get("plans/from-bob.txt").size_bytes == 12

    share(alice, live_server.url, "letter.txt")
    alice.get_by_label("Password").fill("open sesame")
    alice.get_by_role("button", name="Make a link").click()
    expect(alice.get_by_text("It asks for a password.")).to_be_visible()
    address = alice.locator("#public-link").inner_text()
    stranger = open_page()
    stranger.goto(address)
    stranger.locator("input[type=password]").fill("open sesame")
    press(stranger, "Enter")
    expect(stranger.locator("body")).to_have_text("dear stranger")
    troubles.clear()  # the browser tells that it was asked for a password
    alice.get_by_text("Switch off…").click()
    alice.get_by_role("button", name="Switch the link off").click()
    expect(alice.get_by_text("The public link is switched off.")).to_be_visible()
    assert stranger.request.get(address).status == 404

    share(alice, live_server.url, "plans/")
    alice.get_by_role("button", name="Stop sharing with bob@example.org").click()
    expect(alice.get_by_text("plans is not shared with bob@example.org any more.")).to_be_visible()
    bob.goto(f"{live_server.url}/ui/files/shared/")
    expect(bob.get_by_role("heading", name="Nothing is shared with you yet")).to_be_visible()


def test_a_container_s_settings_are_kept(shelf: Shelf, live_server: Any, alice_page: Page) -> None:
    alice_page.goto(f"{live_server.url}/ui/files/folder/?in=docs")
    alice_page.get_by_role("link", name="Settings…").click()
    alice_page.get_by_label("Do not keep them").check()
    alice_page.get_by_label("The most it may hold, in GiB").fill("a lot")
    alice_page.locator("[name=public][value=yes]").check()
    alice_page.get_by_role("button", name="Save settings").click()
    expect(alice_page.get_by_role("alert")).to_contain_text("is a number of GiB")
    alice_page.get_by_label("The most it may hold, in GiB").fill("0.5")
    alice_page.locator("[name=public][value=yes]").check()
    alice_page.get_by_role("button", name="Save settings").click()
    expect(alice_page.get_by_text("The settings of docs are saved.")).to_be_visible()
    found = containers.get(shelf.caller, shelf.caller.user, "docs")
    assert (found.versioning, found.quota_bytes) == ("none", 2**29)
    assert found.options["acl"] == {"read": ".r:*,.rlistings"}


def test_pages_of_sharing_are_sound_in_both_themes_and_on_a_phone(
    shelf: Shelf, cloud: People, live_server: Any, open_page: Callable[..., Page],
    sign_in: Callable[..., None], settings: Any,
) -> None:  # fmt: skip
    settings.PITHOS_S3_PUBLIC_URL = "https://s3.example.org"
    page = open_page()
    sign_in(page)
    page.goto(f"{live_server.url}/ui/files/groups/")
    examine(page, "files-groups-empty")
    for email in ("bob@example.org", "root@example.org"):
        page.get_by_label("Group", exact=True).fill("friends")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_role("button", name="Add to group").click()
        expect(page.get_by_text("The group friends has grown.")).to_be_visible()
    examine(page, "files-groups")
    share(page, live_server.url, "plans/")
    page.get_by_label("A group").check()
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_text("friends can read plans.")).to_be_visible()
    share(page, live_server.url, "plans/summer.txt")
    expect(page.get_by_text("Shared through the folder")).to_be_visible()
    examine(page, "files-share-inherited")
    share(page, live_server.url, "letter.txt")
    page.get_by_label("E-mail address").fill("bob@example.org")
    page.get_by_role("button", name="Share", exact=True).click()
    page.get_by_label("Everybody who is signed in to this cloud").check()
    page.get_by_role("button", name="Share", exact=True).click()
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_text(re.compile("It ends in"))).to_be_visible()
    examine(page, "files-share")
    page.goto(f"{live_server.url}/ui/files/settings/?in=docs")
    examine(page, "files-settings")
    page.goto(f"{live_server.url}/ui/files/shared/")
    examine(page, "files-shared-empty")
    theirs = Shelf(cloud.bob.caller)
    theirs.put("holidays/tinos.jpg", b"1", "image/jpeg")
    share_with(theirs, "holidays", cloud.alice.user.uuid)
    page.goto(f"{live_server.url}/ui/files/shared/")
    examine(page, "files-shared-accounts")
    page.get_by_role("link", name="docs").click()
    page.get_by_role("link", name="holidays").click()
    expect(page.get_by_text("tinos.jpg")).to_be_visible()
    examine(page, "files-shared")
    page.goto(f"{live_server.url}/ui/files/programs/")
    examine(page, "files-programs-before")
    page.get_by_role("button", name="Make an access key").click()
    expect(page.get_by_text("The secret is shown this once.")).to_be_visible()
    secret = page.locator("#secret-key").inner_text()
    examine(page, "files-programs")
    page.goto(f"{live_server.url}/ui/files/programs/")
    expect(page.locator("body")).not_to_contain_text(secret)
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete this key").click()
    expect(page.get_by_text("The access key is deleted.")).to_be_visible()


def share_with(shelf: Shelf, folder: str, user: str) -> None:
    at = Path(shelf.caller.user, "docs", folder)
    objects.write(shelf.caller, at, EMPTY, content_type="application/directory", attributes={})
    sharing.replace(shelf.caller, at, {user: True})
