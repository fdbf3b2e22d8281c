"""Another password, another address: who may, what is told to whom, and what ends by it."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from synnefo.astakos.accounts import email_change, login, passwords, tokens
from synnefo.astakos.accounts.models import EmailChange, Token, User
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, TooManyRequests, Unauthorized
from tests.astakos.accounts.conftest import PASSWORD, STRANGER, SYSTEM, link_in, mails, token_in
from tests.astakos.conftest import Person

NEW = "another horse and battery"


def caller(person: Person) -> Caller:
    return Caller(user=person.uuid, project=person.uuid, address="192.0.2.9")


def reset_link() -> tuple[str, str]:
    """Uuid and token of the last mail."""
    parts = link_in(mails("password_reset")[-1]).strip("/").split("/")
    return parts[-2], parts[-1]


def test_a_new_password_takes_the_old_one_to_set(ada: Person) -> None:
    with pytest.raises(Unauthorized):
        passwords.change(caller(ada), ada.user, "not this one", NEW)
    with pytest.raises(BadRequest):
        passwords.change(caller(ada), ada.user, PASSWORD, "short")
    passwords.change(caller(ada), ada.user, PASSWORD, NEW)
    assert login.by_password("ada@example.org", NEW, address="") is not None
    assert mails()[-1].template == "password_changed"


def test_guessing_the_old_password_is_slow(ada: Person) -> None:
    for _ in range(5):
        with pytest.raises(Unauthorized):
            passwords.change(caller(ada), ada.user, "not this one", NEW)
    with pytest.raises(TooManyRequests):
        passwords.change(caller(ada), ada.user, PASSWORD, NEW)


@pytest.mark.parametrize(
    ("always", "wished", "ends"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_a_new_password_ends_api_tokens_always_or_as_wished(
    ada: Person, settings: Settings, always: bool, wished: bool, ends: bool
) -> None:
    settings.ASTAKOS_NEWPASSWD_INVALIDATE_TOKEN = always
    expires = timezone.now() + datetime.timedelta(hours=1)
    session = tokens.issue(ada.user, kind=Token.Kind.LOGIN, expires=expires)
    passwords.change(caller(ada), ada.user, PASSWORD, NEW, end_api_tokens=wished)
    with pytest.raises(Unauthorized):
        tokens.lookup(session)
    assert Token.objects.filter(user=ada.user, kind=Token.Kind.API).exists() == (not ends)


def test_a_link_sets_a_new_password_once(ada: Person) -> None:
    passwords.ask_reset(STRANGER, "ADA@example.org")
    uuid, token = reset_link()
    with pytest.raises(BadRequest):
        passwords.reset(STRANGER, uuid, token, "short")
    passwords.reset(STRANGER, uuid, token, NEW)
    assert login.by_password("ada@example.org", NEW, address="") is not None
    assert not Token.objects.filter(user=ada.user).exists()
    with pytest.raises(BadRequest, match="used already"):
        passwords.reset(STRANGER, uuid, token, "yet another horse")


def test_a_link_is_for_one_account_and_some_days(ada: Person, bob: Person) -> None:
    passwords.ask_reset(STRANGER, "ada@example.org")
    uuid, token = reset_link()
    for one, other in ((bob.uuid, token), (uuid, token[:-1] + "x"), ("nobody", token)):
        with pytest.raises(BadRequest):
            passwords.reset(STRANGER, one, other, NEW)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=4)), pytest.raises(BadRequest):
        passwords.reset(STRANGER, uuid, token, NEW)


def test_any_address_gets_a_mail_and_only_accounts_with_a_password_a_link(
    ada: Person, bob: Person, root: Person
) -> None:
    from synnefo.astakos.accounts import rules

    rules.deactivate(SYSTEM, bob.user)
    User.objects.filter(pk=root.user.pk).update(password="!")
    for name in ("ada", "bob", "root", "nobody"):
        passwords.ask_reset(STRANGER, f"{name}@example.org")
    assert [mail.template for mail in mails()[-4:]] == ["password_reset", "unknown", "unknown", "unknown"]


def test_many_resets_are_refused_for_known_and_unknown_alike(ada: Person) -> None:
    for email in ("ada@example.org", "nobody@example.org"):
        for number in range(5):
            passwords.ask_reset(Caller(user="", project="", address=f"198.51.100.{number}"), email)
        with pytest.raises(TooManyRequests):
            passwords.ask_reset(SYSTEM, email)


def test_a_first_password_is_for_who_has_none(ada: Person) -> None:
    with pytest.raises(Conflict):
        passwords.add(caller(ada), ada.user, NEW)
    ada.user.set_unusable_password()
    ada.user.save()
    passwords.add(caller(ada), ada.user, NEW)
    assert login.by_password("ada@example.org", NEW, address="") is not None


@pytest.fixture
def changing(settings: Settings) -> None:
    settings.ASTAKOS_EMAILCHANGE_ENABLED = True


def links() -> dict[str, str]:
    """The tokens of the last change, by who got them."""
    return {mail.recipient: token_in(mail) for mail in mails() if mail.template.startswith("email_change_")}


@pytest.mark.usefixtures("changing")
@pytest.mark.parametrize(
    "order", [("Ada@Example.org", "new@example.org"), ("new@example.org", "Ada@Example.org")]
)
def test_an_address_changes_when_both_have_agreed(ada: Person, order: tuple[str, str]) -> None:
    email_change.ask(caller(ada), ada.user, "new@example.org")
    tokens_of = links()
    _, done = email_change.confirm(STRANGER, tokens_of[order[0]])
    assert not done
    assert User.objects.get(pk=ada.user.pk).email == "Ada@Example.org"
    _, done = email_change.confirm(STRANGER, tokens_of[order[0]])  # the same one again
    assert not done
    _, done = email_change.confirm(STRANGER, tokens_of[order[1]])
    assert done
    user = User.objects.get(pk=ada.user.pk)
    assert (user.email, user.username) == ("new@example.org", "new@example.org")
    assert {mail.recipient for mail in mails("email_changed")} == {"Ada@Example.org", "new@example.org"}
    with pytest.raises(BadRequest, match="is done"):
        email_change.confirm(STRANGER, tokens_of[order[0]])


@pytest.mark.usefixtures("changing")
def test_a_new_wish_a_taken_back_one_and_an_old_one_make_links_useless(
    ada: Person, settings: Settings
) -> None:
    settings.ASTAKOS_EMAILCHANGE_ACTIVATION_DAYS = 2
    email_change.ask(caller(ada), ada.user, "first@example.org")
    first = links()["first@example.org"]
    email_change.ask(caller(ada), ada.user, "second@example.org")
    with pytest.raises(BadRequest):
        email_change.confirm(STRANGER, first)
    second = links()["second@example.org"]
    with time_machine.travel(timezone.now() + datetime.timedelta(days=2, minutes=1)):
        with pytest.raises(BadRequest, match="too old"):
            email_change.confirm(STRANGER, second)
        assert email_change.pending(ada.user) is None
        assert email_change.forget_old() == 1
    with pytest.raises(Conflict):
        email_change.cancel(caller(ada), ada.user)


@pytest.mark.usefixtures("changing")
def test_that_an_address_is_taken_is_told_to_its_owner_alone(ada: Person, bob: Person) -> None:
    made = email_change.ask(caller(ada), ada.user, "BOB@example.org")
    assert email_change.pending(ada.user) == made
    sent = {mail.recipient: mail.template for mail in mails()[-2:]}
    assert sent == {"Ada@Example.org": "email_change_old", "BOB@example.org": "known_already"}


@pytest.mark.usefixtures("changing")
def test_an_address_that_was_taken_meanwhile_is_not_taken_over(ada: Person, bob: Person) -> None:
    from synnefo.astakos.accounts import rules

    email_change.ask(caller(ada), ada.user, "new@example.org")
    rules.set_email(SYSTEM, bob.user, "New@example.org")
    tokens_of = links()
    email_change.confirm(STRANGER, tokens_of["new@example.org"])
    with pytest.raises(Conflict):
        email_change.confirm(STRANGER, tokens_of["Ada@Example.org"])
    assert User.objects.get(pk=ada.user.pk).email == "Ada@Example.org"


@pytest.mark.usefixtures("changing")
@pytest.mark.parametrize("email", ["Ada@Example.org", "no address", ""])
def test_a_wish_must_be_another_address(ada: Person, email: str) -> None:
    with pytest.raises(BadRequest):
        email_change.ask(caller(ada), ada.user, email)
    assert not EmailChange.objects.exists()


def test_changing_ones_address_can_be_left_to_administrators(ada: Person) -> None:
    with pytest.raises(Forbidden):
        email_change.ask(caller(ada), ada.user, "new@example.org")
