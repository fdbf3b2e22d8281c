"""Passkeys and the second factor in a real browser, whose authenticator is chromium's virtual one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from playwright.sync_api import CDPSession, Page, expect

from synnefo.astakos.methods import rules
from synnefo.astakos.methods.identities import Identity
from tests.browser.test_look import examine
from tests.conftest import SYSTEM, People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

PASSWORD = "a-long-password-1"
PAGE = "/ui/account/methods/"


@pytest.fixture(autouse=True)
def _modules(settings: Any) -> None:
    settings.ASTAKOS_IM_MODULES = ["local", "shibboleth", "google"]
    settings.ASTAKOS_GOOGLE_CLIENT_ID = "cloud"
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True  # the pages of tests have no TLS


@pytest.fixture
def address(live_server: Any) -> str:
    """Passkeys belong to a name, and browsers trust this one without TLS."""
    found: str = live_server.url.replace("127.0.0.1", "localhost")
    return found


def authenticator(page: Page, *, passkeys: bool) -> CDPSession:
    """Give this window a security key that touches and identifies itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal" if passkeys else "usb", "hasResidentKey": passkeys,
        "hasUserVerification": passkeys, "isUserVerified": passkeys, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def enter(page: Page, address: str, name: str = "alice") -> None:
    page.goto(f"{address}/ui/login/?next={PAGE}")
    page.get_by_label("E-mail").fill(f"{name}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def confirm(page: Page) -> None:
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


def leave(page: Page) -> None:
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").last.click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def add_key(page: Page, name: str, *, alone: bool) -> None:
    page.get_by_role("link", name="Passkey or security key").click()
    if page.get_by_role("heading", name="Confirm that it is you").is_visible():
        confirm(page)
    page.get_by_label("Name").fill(name)
    if alone:
        page.get_by_label("Also sign in by it alone").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="Done").click()


def test_a_passkey_signs_in_without_a_password(
    cloud: People, address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    authenticator(page, passkeys=True)
    enter(page, address)
    add_key(page, "phone", alone=True)
    expect(page.get_by_role("listitem").filter(has_text="phone")).to_contain_text("passkey")
    leave(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/ui/")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def test_a_security_key_is_asked_for_after_the_password(
    cloud: People, address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    authenticator(page, passkeys=False)
    enter(page, address)
    add_key(page, "blue key", alone=False)
    leave(page)
    enter(page, address)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_role("button", name="Use a passkey or security key").click()
    page.wait_for_url(f"**{PAGE}")
    page.get_by_role("link", name="Remove blue key").click()
    page.get_by_role("link", name="Use a security key").click()
    page.get_by_role("button", name="Use a passkey or security key").click()
    page.get_by_role("button", name="Remove").click()
    page.wait_for_url(f"**{PAGE}")
    expect(page.get_by_role("listitem").filter(has_text="blue key")).to_have_count(0)
    assert not Authenticator.objects.exists()


def test_a_key_of_another_window_does_not_let_in(
    cloud: People, address: str, open_page: Callable[..., Page], troubles: list[str]
) -> None:
    page = open_page()
    authenticator(page, passkeys=False)
    enter(page, address)
    add_key(page, "blue key", alone=False)
    other = open_page()
    authenticator(other, passkeys=False)
    enter(other, address)
    other.get_by_role("button", name="Use a passkey or security key").click()
    expect(other.get_by_role("heading", name="Second factor")).to_be_visible()
    other.goto(f"{address}{PAGE}")
    expect(other.get_by_role("heading", name="Second factor")).to_be_visible()
    troubles[:] = [line for line in troubles if "NotAllowedError" not in line and "NotSupported" not in line]


def test_an_authenticator_app_is_taken_into_use_and_asked_for(
    cloud: People, address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    enter(page, address)
    page.get_by_role("link", name="Authenticator app").click()
    confirm(page)
    secret = page.locator("#secret").inner_text()
    counter = next(iter(yield_hotp_counters_from_time()))
    page.get_by_label("Code").fill(format_hotp_value(hotp_value(secret, counter)))
    page.get_by_role("button", name="Switch on").click()
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10
    page.get_by_role("link", name="Done").click()
    expect(page.locator("section", has_text="Second factor").first).to_contain_text("On")
    other = open_page(width=390)
    enter(other, address)
    other.get_by_label("Code").fill(codes[0])
    other.get_by_role("button", name="Sign in", exact=True).click()
    other.wait_for_url(f"**{PAGE}")
    expect(other.get_by_text("this one")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Sign out elsewhere").click()
    expect(page.get_by_text("Signed out elsewhere: 1 session.")).to_be_visible()
    other.goto(f"{address}{PAGE}")
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


def test_pages_are_sound_in_both_themes_and_on_a_phone(
    cloud: People, address: str, open_page: Callable[..., Page]
) -> None:
    user = cloud.alice.user
    rules.add(SYSTEM, user, Identity("google", "105", info={"email": "alice@gmail.example"}))
    page = open_page()

    def look(name: str, heading: str) -> None:
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        examine(page, name)

    page.goto(f"{address}/ui/login/")
    look("login", "Sign in")
    page.goto(f"{address}/ui/login/google/")
    look("login-provider", "Sign in with Google")
    enter(page, address)
    page.get_by_role("link", name="Authenticator app").click()
    look("reauthenticate", "Confirm that it is you")
    confirm(page)
    look("totp", "Authenticator app")
    secret = page.locator("#secret").inner_text()
    counter = next(iter(yield_hotp_counters_from_time()))
    page.get_by_label("Code").fill(format_hotp_value(hotp_value(secret, counter)))
    page.get_by_role("button", name="Switch on").click()
    look("recovery-codes", "Recovery codes")
    page.get_by_role("link", name="Done").click()
    look("methods", "Signing in")
    page.get_by_role("link", name="Passkey or security key").click()
    look("key-add", "Passkey or security key")
    other = open_page()
    enter(other, address)
    expect(other.get_by_role("heading", name="Second factor")).to_be_visible()
    assert re.search(r"/second-factor/authenticate/$", other.url)
    examine(other, "second-factor")
