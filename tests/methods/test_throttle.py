"""Limits on guessing, wherever something can be guessed."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine

from synnefo.astakos.accounts import throttle
from synnefo.astakos.accounts.models import LoginAttempt
from synnefo.common.faults import TooManyRequests, Unauthorized
from synnefo.common.http.context import client_address

pytestmark = pytest.mark.django_db
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    settings.ASTAKOS_LOGIN_ATTEMPTS = "5/m/ip,3/m/key"


def fail(action: str, name: str, address: str = HERE) -> None:
    with pytest.raises(Unauthorized), throttle.guarding(action, name, address):
        raise Unauthorized


def allowed(action: str, name: str, address: str = HERE) -> bool:
    try:
        with throttle.guarding(action, name, address):
            return True
    except TooManyRequests:
        return False


def test_an_account_is_guarded_against_guessing_from_many_addresses() -> None:
    for last in range(3):
        fail("login", "Ada", f"198.51.100.{last}")
    assert not allowed("login", " ada ", THERE)
    assert allowed("login", "bob", THERE)


def test_an_address_is_stopped_after_guessing_at_many_accounts() -> None:
    for number in range(5):
        fail("login", f"user-{number}")
    assert not allowed("login", "ada")
    assert allowed("login", "ada", THERE)


def test_addresses_of_one_ipv6_network_are_one() -> None:
    for number in range(5):
        fail("login", f"user-{number}", f"2001:db8::{number}")
    assert not allowed("login", "ada", "2001:db8::ffff")
    assert allowed("login", "ada", "2001:db8:0:1::1")


def test_each_action_is_counted_for_itself() -> None:
    for _ in range(3):
        fail("ec2", "ada")
    assert not allowed("ec2", "ada")
    assert allowed("login", "ada")


def test_success_is_not_counted_and_other_faults_are_none() -> None:
    for _ in range(9):
        assert allowed("login", "ada")
    with pytest.raises(ValueError), throttle.guarding("login", "ada", HERE):
        raise ValueError
    assert not LoginAttempt.objects.exists()


def test_what_is_limited_in_itself_is_counted_every_time() -> None:
    for _ in range(3):
        throttle.count("reset", "ada@example.org", HERE)
    with pytest.raises(TooManyRequests):
        throttle.count("reset", "ada@example.org", HERE)


def test_after_a_minute_one_may_try_again_and_what_counts_no_more_is_forgotten() -> None:
    start = datetime.datetime(2031, 1, 1, tzinfo=datetime.UTC)
    with time_machine.travel(start, tick=False) as clock:
        for _ in range(3):
            fail("login", "ada")
        clock.shift(59)
        assert not allowed("login", "ada")
        assert throttle.forget_old() == 0
        clock.shift(2)
        assert allowed("login", "ada")
        assert throttle.forget_old() == 6


def test_the_setting_of_0_21_replaces_the_number_for_an_account(settings: Any) -> None:
    settings.ASTAKOS_RATELIMIT_RETRIES_ALLOWED = 1
    fail("login", "ada")
    assert not allowed("login", "ada", THERE)
    for number in range(4):
        fail("login", f"user-{number}")
    assert not allowed("login", "eve")


def test_without_limits_nothing_is_stopped(settings: Any) -> None:
    settings.ASTAKOS_LOGIN_ATTEMPTS = ""
    for _ in range(9):
        fail("login", "ada")
    assert allowed("login", "ada")


def test_who_tries_many_tokens_is_told_to_wait_and_those_that_are_good_work_on(
    client: Any, people: Any
) -> None:
    def ask(token: str, path: str, body: Any) -> int:
        status: int = client.post(path, body(token), "application/json").status_code
        return status

    def v2(token: str) -> Any:
        return {"auth": {"token": {"id": token}}}

    def v3(token: str) -> Any:
        return {"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}}

    for path, body in (("/astakos/identity/v2.0/tokens", v2), ("/astakos/identity/v3/auth/tokens", v3)):
        LoginAttempt.objects.all().delete()
        answers = [ask(f"guess-{number}", path, body) for number in range(7)]
        assert answers == [401] * 5 + [429] * 2
        assert ask(people.alice.token, path, body) in (200, 201)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),
        ("127.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("127.0.0.1", "203.0.113.1, 198.51.100.9", "198.51.100.9"),
        ("127.0.0.1", "203.0.113.1, 198.51.100.9, 10.0.0.1", "198.51.100.9"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "somebody", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "10.0.0.1", "127.0.0.1"),
        ("", "198.51.100.9", ""),
    ],
)
def test_an_address_that_a_client_makes_up_is_not_counted(
    settings: Any, rf: Any, peer: str, forwarded: str, address: str
) -> None:
    settings.SYNNEFO_TRUSTED_PROXIES = ["127.0.0.1", "10.0.0.1"]
    request = rf.get("/", REMOTE_ADDR=peer, headers={"X-Forwarded-For": forwarded})
    assert client_address(request) == address


def test_names_and_addresses_are_not_kept_in_the_clear() -> None:
    fail("login", "ada@example.org")
    kept = str(list(LoginAttempt.objects.values()))
    assert "ada" not in kept
    assert HERE not in kept
