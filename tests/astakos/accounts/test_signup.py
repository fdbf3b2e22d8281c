"""Signing up: links, terms, and that nobody learns who has an account."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from synnefo.astakos.accounts import login, rules, signup, terms
from synnefo.astakos.accounts.models import User
from synnefo.astakos.accounts.signup import SignUp
from synnefo.astakos.catalog import listing
from synnefo.astakos.catalog.standard import register_standard
from synnefo.common.faults import BadRequest, Conflict, Forbidden, TooManyRequests
from tests.astakos.accounts.conftest import PASSWORD, STRANGER, SYSTEM, mails, token_in

WISH = SignUp("Ada@Example.org", "Ada", "Byron", password=PASSWORD)


@pytest.mark.usefixtures("cloud")
def test_the_link_of_the_mail_confirms_the_address_once() -> None:
    made = signup.sign_up(STRANGER, WISH)
    assert made is not None
    assert (made.email, made.username, made.is_active) == ("Ada@Example.org", "ada@example.org", False)
    (mail,) = mails()
    assert (mail.template, mail.recipient) == ("verification", "Ada@Example.org")
    user = signup.verify(STRANGER, token_in(mail))
    assert user.email_verified
    with pytest.raises(Conflict, match="confirmed already"):
        signup.verify(STRANGER, token_in(mail))


@pytest.mark.usefixtures("cloud")
def test_who_needs_no_decision_signs_in_at_once(settings: Settings) -> None:
    settings.ASTAKOS_MODERATION_ENABLED = False
    signup.sign_up(STRANGER, WISH)
    assert login.by_password("ada@example.org", PASSWORD, address="") is None
    signup.verify(STRANGER, token_in(mails()[0]))
    assert login.by_password("ada@example.org", PASSWORD, address="") is not None


@pytest.mark.usefixtures("cloud")
def test_a_link_works_for_some_days_and_for_its_own_purpose_alone(settings: Settings) -> None:
    settings.ASTAKOS_VERIFICATION_DAYS = 2
    signup.sign_up(STRANGER, WISH)
    token = token_in(mails()[0])
    for broken in (token[:-1], "", "x:y:z", token.replace(":", "_", 1)):
        with pytest.raises(BadRequest, match="not complete"):
            signup.verify(STRANGER, broken)
    with (
        time_machine.travel(timezone.now() + datetime.timedelta(days=2, minutes=1)),
        pytest.raises(BadRequest, match="too old"),
    ):
        signup.verify(STRANGER, token)


@pytest.mark.usefixtures("cloud")
def test_who_signs_up_again_makes_the_earlier_link_useless() -> None:
    signup.sign_up(STRANGER, WISH)
    signup.sign_up(STRANGER, WISH)
    first, second = mails("verification")
    with pytest.raises(BadRequest, match="no account any more"):
        signup.verify(STRANGER, token_in(first))
    assert signup.verify(STRANGER, token_in(second)).email_verified


@pytest.mark.usefixtures("cloud")
def test_the_link_comes_again_for_who_waits_and_any_address_gets_the_same_answer(
    user_in: Callable[..., User],
) -> None:
    user_in("unverified", "waits@example.org")
    user_in("active", "known@example.org")
    for email in ("waits@example.org", "KNOWN@example.org", "nobody@example.org"):
        signup.send_again(STRANGER, email)
    told = [(mail.template, mail.recipient) for mail in mails()]
    assert told[-3:] == [
        ("verification", "waits@example.org"),
        ("known_already", "KNOWN@example.org"),
        ("unknown", "nobody@example.org"),
    ]


@pytest.mark.parametrize("state", ["waiting", "rejected", "active", "inactive"])
def test_an_address_that_has_an_account_is_told_and_nobody_else(
    user_in: Callable[..., User], state: str
) -> None:
    user = user_in(state)
    before = User.objects.filter(pk=user.pk).values().get()
    assert signup.sign_up(STRANGER, WISH) is None
    assert [(mail.template, mail.recipient) for mail in mails()][-1] == ("known_already", "Ada@Example.org")
    assert User.objects.filter(pk=user.pk).values().get() == before
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "wish",
    [
        SignUp("no address", "Ada", "Byron", password=PASSWORD),
        SignUp("ada@example.org", "", "Byron", password=PASSWORD),
        SignUp("ada@example.org", "Ada", "B" * 151, password=PASSWORD),
        SignUp("ada@example.org", "Ada", "Byron", password="short"),
        SignUp("ada@example.org", "Ada", "Byron", password="password123"),
        SignUp("ada@example.org", "Ada", "Byron"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_what_is_wrong_with_a_wish_is_said_the_same_of_known_and_unknown_addresses(
    user_in: Callable[..., User], wish: SignUp, known: bool
) -> None:
    if known:
        user_in("active", "ada@example.org")
    count = len(mails())
    with pytest.raises(BadRequest):
        signup.sign_up(STRANGER, wish)
    assert len(mails()) == count


@pytest.mark.usefixtures("cloud")
def test_many_mails_to_one_address_are_refused_whether_it_is_known_or_not(
    user_in: Callable[..., User],
) -> None:
    user_in("active", "known@example.org")
    for email in ("known@example.org", "unknown@example.org"):
        for number in range(5):
            caller = type(STRANGER)(user="", project="", address=f"198.51.100.{number}")
            signup.send_again(caller, email)
        with pytest.raises(TooManyRequests):
            signup.send_again(SYSTEM, email)


@pytest.mark.usefixtures("cloud")
def test_who_signs_up_agrees_to_the_terms_in_force() -> None:
    old = terms.publish(SYSTEM, "<p>Old</p>")
    new = terms.publish(SYSTEM, "<p>New</p>")
    for agreed in (None, old.pk):
        with pytest.raises(BadRequest, match="terms of use"):
            signup.sign_up(STRANGER, SignUp(**{**WISH.__dict__, "agreed": agreed}))
    user = signup.sign_up(STRANGER, SignUp(**{**WISH.__dict__, "agreed": new.pk}))
    assert user is not None
    assert user.signed_terms == new
    assert user.has_signed_terms


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    "change", [{"ASTAKOS_AUTH_PROVIDERS_CREATE_POLICY": False}, {"ASTAKOS_IM_MODULES": ["shibboleth"]}]
)
def test_signing_up_with_a_password_can_be_closed(settings: Settings, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(settings, name, value)
    with pytest.raises(Forbidden):
        signup.sign_up(STRANGER, WISH)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_sign_up_at_once_with_one_address_one_gets_the_account() -> None:
    listing.forget()
    register_standard()

    def try_it(number: int) -> str:
        try:
            rules.create(SYSTEM, "ada@example.org", "Ada", f"Number {number}")
        except Conflict:
            return "refused"
        finally:
            connection.close()
        return "made"

    User.objects.filter(pk=rules.create(SYSTEM, "ada@example.org", "Ada", "First").pk).update(
        email_verified=True
    )
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(try_it, range(8))) == {"refused"}
    User.objects.all().delete()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(try_it, range(8)))
    assert "made" in made
    assert User.objects.count() == 1
