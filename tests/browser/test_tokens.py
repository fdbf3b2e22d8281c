"""Tokens in a browser: made, copied, downloaded, used, revoked; and how their pages look."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from synnefo.astakos.accounts import access, tokens
from tests.browser.conftest import press
from tests.browser.test_look import KEPT, examine
from tests.conftest import People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

KEPT.update({"tokens", "token-made"})


def row(page: Page, name: str) -> Any:
    return page.locator(f'tr[data-name="{name}"]')


def sign_in_by(clouds_yaml: Path) -> subprocess.CompletedProcess[str]:
    """Ask for a token by the unmodified command line."""
    command = [str(Path(sys.executable).parent / "openstack"), "--os-cloud", "synnefo", "token", "issue"]
    return subprocess.run(
        command, cwd=clouds_yaml.parent, env={"PATH": "/usr/bin:/bin", "HOME": str(clouds_yaml.parent)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_token_is_made_used_and_revoked(alice_page: Page, cloud: People, tmp_path: Path) -> None:
    page = alice_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("link", name="Tokens").click()
    expect(page.get_by_role("heading", name="No tokens yet")).to_be_visible()
    press(page, "c")
    page.get_by_label("Name", exact=True).fill("laptop")
    page.get_by_role("radio", name="1 day").check()
    page.get_by_role("button", name="Create token").click()

    expect(page.get_by_text("shown this once")).to_be_visible()
    page.get_by_role("button", name="Copy the token").click()
    expect(page.locator("#announce")).to_have_text("Copied")
    assert tokens.identify(page.evaluate("navigator.clipboard.readText()")).user == cloud.alice.user.uuid
    page.get_by_role("button", name="Copy kamakirc").click()
    assert "default_cloud = synnefo" in page.evaluate("navigator.clipboard.readText()")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download clouds.yaml").click()
    assert waiting.value.suggested_filename == "clouds.yaml"
    waiting.value.save_as(tmp_path / "clouds.yaml")
    used = sign_in_by(tmp_path / "clouds.yaml")
    assert used.returncode == 0, used.stderr

    page.get_by_role("link", name="Done").click()
    expect(row(page, "laptop")).to_contain_text("Active")
    expect(row(page, "laptop")).to_contain_text(re.compile(r"just now|ago"))
    page.get_by_role("button", name="Actions for laptop").click()
    page.get_by_role("link", name="Revoke").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your servers, networks and files stay")
    page.keyboard.press("Escape")
    expect(row(page, "laptop")).to_be_visible()
    page.get_by_role("button", name="Actions for laptop").click()
    page.get_by_role("link", name="Revoke").click()
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("laptop is revoked")).to_be_visible()
    expect(page.get_by_role("heading", name="No tokens yet")).to_be_visible()
    refused = sign_in_by(tmp_path / "clouds.yaml")
    assert (refused.returncode, "401" in refused.stderr) == (1, True)


def test_a_refused_form_says_where_and_keeps_what_was_typed(
    alice_page: Page, cloud: People, live_server: Any
) -> None:
    page, alice = alice_page, cloud.alice
    access.create(alice.caller, alice.user, "laptop", project=alice.user.uuid, lifetime=access.DAY)
    page.goto(f"{live_server.url}/ui/tokens/create/")
    page.get_by_label("Name", exact=True).fill("laptop")
    page.get_by_text("Read only").click()
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#summary")).to_be_focused()
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("radio", name="Read only")).to_be_checked()


def test_pages_are_sound_in_both_themes_and_on_a_phone(
    cloud: People, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None],
) -> None:  # fmt: skip
    page = open_page()
    sign_in(page, "root")
    page.goto(f"{live_server.url}/ui/tokens/")
    examine(page, "tokens-empty")
    root = cloud.admin
    for name, days, read_only in (("backup script", 365, True), ("terraform", 1, False)):
        access.create(
            root.caller, root.user, name, project=root.user.uuid, lifetime=days * access.DAY,
            read_only=read_only,
        )  # fmt: skip
    tokens.create_api_token(root.caller, root.user, "kamaki")
    page.goto(f"{live_server.url}/ui/tokens/create/")
    examine(page, "token-create")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#summary")).to_be_visible()
    examine(page, "token-refused")
    page.get_by_label("Name", exact=True).fill("laptop")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("shown this once")).to_be_visible()
    examine(page, "token-made")
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", name="Tokens")).to_be_visible()
    examine(page, "tokens")
    page.get_by_role("button", name="Actions for terraform").click()
    page.get_by_role("link", name="Revoke").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    examine(page, "token-revoke", whole=False)
