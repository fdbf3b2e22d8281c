"""Accounts in a browser: from a stranger's sign-up to the end of his account; and how the pages look."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from synnefo.astakos.accounts import email_change, rules, terms
from synnefo.astakos.accounts.models import User
from synnefo.astakos.mails import sending
from synnefo.astakos.mails.models import Mail
from synnefo.common.caller import Caller
from tests.browser.test_look import examine
from tests.conftest import SYSTEM, People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

PASSWORD = "a-long-password-1"
NEW_PASSWORD = "another-long-one-2"
TERMS = "<h2>What we promise</h2><p>Servers run, and nobody looks into them.</p>" + (
    "<h2>What you promise</h2><p>You use the cloud for work, and leave some of it to others.</p>" * 6
)


@pytest.fixture(autouse=True)
def at_home(live_server: Any, settings: Settings) -> None:
    """Links in mails lead to the server of the tests."""
    settings.SYNNEFO_PUBLIC_URL = live_server.url
    settings.ASTAKOS_EMAILCHANGE_ENABLED = True


def link(outbox: list[Any], to: str) -> str:
    """Send what waits; the link of the last mail to somebody."""
    sending.send_due()
    (*_, mail) = [one for one in outbox if one.to == [to]]
    found = re.search(r"http://\S{12,}", mail.body)
    assert found is not None
    return found[0]


def fill(page: Page, **values: str) -> None:
    for label, value in values.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)


def test_from_a_strangers_sign_up_to_the_end_of_his_account(
    cloud: People, live_server: Any, open_page: Callable[..., Page], mailoutbox: list[Any]
) -> None:
    terms.publish(SYSTEM, TERMS)
    for person in (cloud.alice, cloud.bob, cloud.admin):
        terms.sign(SYSTEM, person.user)
    page = open_page()
    page.goto(f"{live_server.url}/ui/")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("E-mail").fill("Grace@example.org")
    fill(page, First_name="Grace", Last_name="Hopper", Password=PASSWORD, Password_again=PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("agree to them.")).to_be_visible()
    expect(page.get_by_label("First name")).to_have_value("Grace")
    fill(page, Password=PASSWORD, Password_again=PASSWORD)
    page.get_by_label("I have read the terms of use").check()
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("We have sent a mail to Grace@example.org")).to_be_visible()
    page.goto(link(mailoutbox, "Grace@example.org"))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Your account waits for approval")).to_be_visible()

    rules.accept(SYSTEM, User.objects.get(username="grace@example.org"))
    page.goto(link(mailoutbox, "Grace@example.org"))
    page.get_by_label("E-mail").fill("grace@EXAMPLE.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()

    terms.publish(SYSTEM, TERMS + "<p>New.</p>")
    page.goto(f"{live_server.url}/ui/tokens/")
    page.get_by_role("button", name="I agree").click()
    expect(page.get_by_role("heading", name="Tokens", exact=True)).to_be_visible()

    page.get_by_role("button", name="Your account").click()
    page.get_by_role("banner").get_by_role("link", name="Your account").click()
    fill(page, First_name="Amazing Grace")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your name is changed.")).to_be_visible()
    page.get_by_role("link", name="Change").first.click()
    page.get_by_label("New e-mail").fill("hopper@example.org")
    page.get_by_role("button", name="Send the mails").click()
    expect(page.get_by_text("Both addresses have to agree")).to_be_visible()
    page.goto(link(mailoutbox, "hopper@example.org"))
    page.get_by_role("button", name="Confirm").click()
    page.goto(link(mailoutbox, "Grace@example.org"))
    page.get_by_role("button", name="Agree").click()
    expect(page.get_by_text("Sign in with hopper@example.org")).to_be_visible()

    page.goto(f"{live_server.url}/ui/profile/remove/")
    page.get_by_label("Type hopper@example.org to confirm").fill("hopper@example.org")
    page.get_by_role("button", name="Remove my account").click()
    expect(page.get_by_role("heading", name="Your account is removed")).to_be_visible()
    assert not User.objects.filter(email="hopper@example.org").exists()


def test_a_lost_password_is_set_anew(
    cloud: People, live_server: Any, open_page: Callable[..., Page], mailoutbox: list[Any]
) -> None:
    page = open_page()
    page.goto(f"{live_server.url}/ui/login/")
    page.get_by_role("link", name="Forgot the password?").click()
    page.get_by_label("E-mail").fill("alice@example.org")
    page.get_by_role("button", name="Send the mail").click()
    expect(page.get_by_text("We have sent a mail to alice@example.org")).to_be_visible()
    page.goto(link(mailoutbox, "alice@example.org"))
    fill(page, Password=NEW_PASSWORD, Password_again="not the same one")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("The two passwords are not the same.")).to_be_visible()
    fill(page, Password=NEW_PASSWORD, Password_again=NEW_PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.get_by_role("link", name="Sign in", exact=True).click()
    page.get_by_label("E-mail").fill("alice@example.org")
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def test_pages_for_strangers_are_sound_in_both_themes_and_on_a_phone(
    cloud: People, live_server: Any, open_page: Callable[..., Page], mailoutbox: list[Any],
    settings: Settings,
) -> None:  # fmt: skip
    terms.publish(SYSTEM, TERMS)
    settings.ASTAKOS_SIGNUP_MESSAGES = [("warning", "On Sunday the cloud is away for an hour.")]
    page = open_page()
    page.goto(f"{live_server.url}/ui/signup/")
    examine(page, "sign-up")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("Enter your last name.")).to_be_visible()
    examine(page, "sign-up-refused")
    page.get_by_label("E-mail").fill("grace@example.org")
    fill(page, First_name="Grace", Last_name="Hopper", Password=PASSWORD, Password_again=PASSWORD)
    page.get_by_label("I have read the terms of use").check()
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    examine(page, "sign-up-sent")
    page.goto(link(mailoutbox, "grace@example.org"))
    examine(page, "confirm")
    page.get_by_role("button", name="Confirm").click()
    examine(page, "waits")
    page.goto(f"{live_server.url}/ui/password/reset/")
    examine(page, "reset")
    page.get_by_label("E-mail").fill("alice@example.org")
    page.get_by_role("button", name="Send the mail").click()
    page.goto(link(mailoutbox, "alice@example.org"))
    examine(page, "reset-confirm")
    page.goto(f"{live_server.url}/ui/activate/nothing/")
    examine(page, "link-broken")
    page.goto(f"{live_server.url}/ui/terms/")
    examine(page, "terms")


def test_pages_of_ones_own_are_sound_in_both_themes_and_on_a_phone(
    cloud: People, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None],
    mailoutbox: list[Any], new_server: Callable[..., Any], settings: Settings,
) -> None:  # fmt: skip
    alice = cloud.alice.user
    settings.ASTAKOS_PROFILE_EXTRA_LINKS = {"https://help.example.org/": "How to get help"}
    terms.publish(SYSTEM, TERMS)
    page = open_page()
    page.goto(f"{live_server.url}/ui/")
    page.get_by_label("E-mail").fill("alice@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("button", name="I agree")).to_be_visible()
    examine(page, "terms-asked")
    page.get_by_role("button", name="I agree").click()
    page.goto(f"{live_server.url}/ui/profile/")
    examine(page, "profile")
    email_change.ask(Caller(user=alice.uuid, project=alice.uuid), alice, "liddell@example.org")
    page.reload()
    examine(page, "profile-changing")
    page.goto(f"{live_server.url}/ui/profile/email/")
    examine(page, "email-change")
    page.goto(link(mailoutbox, "liddell@example.org"))
    examine(page, "email-confirm")
    page.goto(f"{live_server.url}/ui/profile/password/")
    examine(page, "password")
    page.goto(f"{live_server.url}/ui/profile/remove/")
    examine(page, "remove")
    new_server("web-1")
    page.reload()
    examine(page, "remove-not-yet")
    page.goto(f"{live_server.url}/ui/feedback/")
    examine(page, "feedback")


def test_mails_and_accounts_that_wait_are_seen_by_administrators(
    cloud: People, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None],
) -> None:  # fmt: skip
    user = rules.create(SYSTEM, "grace@example.org", "Grace", "Hopper", password=PASSWORD)
    rules.confirm_email(SYSTEM, user)
    page = open_page()
    sign_in(page, "root")
    page.goto(f"{live_server.url}/admin/users/{user.pk}/")
    examine(page, "admin-user-waits")
    page.get_by_role("link", name="Accept").click()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("is accepted")).to_be_visible()
    user.refresh_from_db()
    assert user.is_active
    page.goto(f"{live_server.url}/admin/mails/")
    examine(page, "admin-mails")
    page.get_by_role("link", name="Welcome to").first.click()
    expect(page.get_by_text("Your account grace@example.org is active")).to_be_visible()
    examine(page, "admin-mail")
    assert Mail.objects.filter(template="pending_moderation", recipient="root@example.org").exists()
