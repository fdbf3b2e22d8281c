"""Where one is signed in, and signing out from elsewhere."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.test import Client

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods.devices import device_name
from synnefo.audit.models import AuditEvent
from tests.conftest import SYSTEM
from tests.methods.conftest import is_signed_in, sign_in, texts_of

pytestmark = pytest.mark.django_db

PAGE = "/ui/account/methods/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0"


@pytest.fixture
def phone(alice: User) -> Client:
    found = Client(headers={"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/604.1"})
    found.defaults["REMOTE_ADDR"] = "198.51.100.7"
    sign_in(found)
    return found


@pytest.fixture
def desk(alice: User) -> Client:
    found = Client(headers={"User-Agent": FIREFOX})
    found.defaults["REMOTE_ADDR"] = "192.0.2.9"
    sign_in(found)
    return found


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/137.0 Safari/537.36 Edg/137.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18 Safari/605.1", "Safari on macOS"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/137.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8", "Unknown device"),
    ],
)
def test_devices_are_named_as_people_call_them(agent: str, name: str) -> None:
    assert device_name(agent) == name


def test_every_device_is_listed_with_address_and_which_one_this_is(desk: Client, phone: Client) -> None:
    text = texts_of(desk.get(PAGE))
    assert "Firefox on Linux this one 192.0.2.9 · now" in text
    assert "Safari on iPhone 198.51.100.7 · last seen" in text


def test_when_a_device_was_last_seen_is_noted_at_most_once_a_minute(desk: Client, alice: User) -> None:
    def seen() -> datetime.datetime:
        return UserSession.objects.get(user=alice).last_seen_at

    first = seen()
    with time_machine.travel(first + datetime.timedelta(seconds=50), tick=False):
        desk.get(PAGE)
    assert seen() == first
    later = first + datetime.timedelta(seconds=70)
    with time_machine.travel(later, tick=False):
        desk.get(PAGE)
    assert seen() == later


def test_another_device_is_signed_out_from_here(desk: Client, phone: Client, alice: User) -> None:
    row = UserSession.objects.get(user=alice, ip="198.51.100.7")
    answer = desk.post(f"/ui/account/sessions/{row.pk}/end/", follow=True)
    assert "signed out" in texts_of(answer)
    assert not is_signed_in(phone)
    assert is_signed_in(desk)
    assert AuditEvent.objects.filter(action="user.sessions-end", target_id=alice.uuid).exists()


def test_nobody_signs_out_somebody_else(desk: Client, bob: User) -> None:
    other = Client()
    other.post("/ui/login/", {"login": "bob@example.org", "password": "a-long-password-1"})
    row = UserSession.objects.get(user=bob)
    assert desk.post(f"/ui/account/sessions/{row.pk}/end/").status_code == 404
    assert is_signed_in(other)


def test_everywhere_but_here_is_signed_out_at_once(desk: Client, phone: Client) -> None:
    answer = desk.post("/ui/account/sessions/end-others/", follow=True)
    assert "Signed out elsewhere: 1 session." in texts_of(answer)
    assert not is_signed_in(phone)
    assert is_signed_in(desk)


def test_another_password_ends_what_was_opened_with_the_old_one(
    desk: Client, phone: Client, alice: User
) -> None:
    accounts.set_password(SYSTEM, alice, "quite another password")
    assert not is_signed_in(desk)
    assert not is_signed_in(phone)


def test_signing_out_takes_the_device_off_the_list(desk: Client, phone: Client, alice: User) -> None:
    phone.post("/ui/logout/")
    assert "iPhone" not in texts_of(desk.get(PAGE))
    assert UserSession.objects.filter(user=alice).count() == 1


def test_changes_are_made_by_forms_of_ours_alone(desk: Client, phone: Client) -> None:
    answer: Any = desk.get("/ui/account/sessions/end-others/")
    assert answer.status_code == 405
