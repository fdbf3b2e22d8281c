"""The second factor: codes of an app, recovery codes; what asks for it and what does not."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from synnefo.astakos.accounts import sessions, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.accounts.sessions import Scope
from synnefo.astakos.mails.models import Mail
from synnefo.astakos.methods import ldap as ldap_method
from synnefo.astakos.methods.identities import Identity
from synnefo.astakos.methods.models import AuthMethod
from synnefo.audit.models import AuditEvent
from synnefo.common.faults import TooManyRequests, Unauthorized
from tests.conftest import SYSTEM
from tests.methods.conftest import PASSWORD, is_signed_in, sign_in, texts_of

pytestmark = pytest.mark.django_db

PAGES = "/ui/account/second-factor/"
MOMENT = datetime.datetime(2031, 1, 1, 12, tzinfo=datetime.UTC)


def code_of(secret: str, at: datetime.datetime) -> str:
    """What an app that knows the secret shows at this time."""
    return format_hotp_value(hotp_value(secret, int(at.timestamp()) // 30))


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(MOMENT, tick=False) as traveller:
        yield traveller


@pytest.fixture
def secret(client: Client, alice: User, clock: Any, django_capture_on_commit_callbacks: Any) -> str:
    """Alice, who is signed in, switches the codes of an app on; returns their secret."""
    sign_in(client)
    client.post("/ui/reauthenticate/", {"password": PASSWORD})
    page = client.get(f"{PAGES}totp/activate/")
    found = re.search(r'id="secret">([A-Z2-7]+)<', page.content.decode())
    assert found is not None
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(f"{PAGES}totp/activate/", {"code": code_of(found.group(1), MOMENT)})
    assert answer["Location"] == f"{PAGES}recovery-codes/"
    clock.shift(90)
    return found.group(1)


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def ask(client: Client, code: str) -> Any:
    return client.post(f"{PAGES}authenticate/", {"code": code})


def recovery_codes(client: Client) -> list[str]:
    page = client.get(f"{PAGES}recovery-codes/").content.decode()
    return re.findall(r"^\d{8}$", page.partition('id="codes"')[2].replace(">", "\n"), re.MULTILINE)


def test_switching_it_on_asks_for_the_password_once_more(client: Client, alice: User) -> None:
    sign_in(client)
    answer = client.get(f"{PAGES}totp/activate/")
    assert answer["Location"].startswith("/ui/reauthenticate/")


def test_the_password_alone_does_not_sign_in_any_more(client: Client, alice: User, secret: str) -> None:
    other = Client()
    answer = sign_in(other, next="/ui/tokens/")
    assert answer["Location"] == f"{PAGES}authenticate/"
    assert not is_signed_in(other)
    answer = ask(other, code_of(secret, now()))
    assert answer["Location"] == "/ui/tokens/"
    assert is_signed_in(other)


def test_a_code_is_good_once_and_only_in_its_time(client: Client, secret: str, clock: Any) -> None:
    first, second, third = Client(), Client(), Client()
    code = code_of(secret, now())
    sign_in(first)
    ask(first, code)
    assert is_signed_in(first)
    sign_in(second)
    assert "Incorrect code" in texts_of(ask(second, code))
    assert not is_signed_in(second)
    sign_in(third)
    for shift_s in (-90, 90):
        ask(third, code_of(secret, now() + datetime.timedelta(seconds=shift_s)))
        assert not is_signed_in(third)


def test_codes_are_not_guessed_at_will(client: Client, secret: str) -> None:
    other = Client()
    sign_in(other)
    for _ in range(5):
        assert "Incorrect code" in texts_of(ask(other, "000000"))
    assert "Too many" in texts_of(ask(other, code_of(secret, now())))
    assert not is_signed_in(other)


def test_a_recovery_code_signs_in_once(client: Client, secret: str) -> None:
    codes = recovery_codes(client)
    assert len(codes) == 10
    other, again = Client(), Client()
    sign_in(other)
    ask(other, codes[0])
    assert is_signed_in(other)
    sign_in(again)
    ask(again, codes[0])
    assert not is_signed_in(again)


def test_recovery_codes_are_shown_once_and_made_anew(client: Client, secret: str) -> None:
    first = recovery_codes(client)
    assert recovery_codes(client) == []
    client.post("/ui/reauthenticate/", {"password": PASSWORD})
    client.post(f"{PAGES}recovery-codes/generate/")
    second = recovery_codes(client)
    assert len(second) == 10
    assert set(first).isdisjoint(second)


def test_who_proves_again_too_often_who_he_is_gets_a_page_that_says_so(
    client: Client, alice: User, clock: Any
) -> None:
    sign_in(client)
    for _ in range(10):
        assert client.post("/ui/reauthenticate/", {"password": PASSWORD}).status_code == 302
    answer = client.post("/ui/reauthenticate/", {"password": PASSWORD})
    assert answer.status_code == 429
    assert "Too many tries" in answer.content.decode()
    clock.shift(61)
    assert client.post("/ui/reauthenticate/", {"password": PASSWORD}).status_code == 302


def test_secrets_are_kept_encrypted(client: Client, secret: str) -> None:
    kept = str(list(Authenticator.objects.values()))
    assert secret not in kept
    assert str(Authenticator.objects.get(type="recovery_codes").data["seed"]).isascii()


def test_it_is_removed_after_the_password_was_given_again(client: Client, alice: User, secret: str) -> None:
    client.post("/ui/reauthenticate/", {"password": PASSWORD})
    client.post(f"{PAGES}totp/deactivate/")
    assert not Authenticator.objects.exists()
    other = Client()
    sign_in(other)
    assert is_signed_in(other)
    actions = AuditEvent.objects.filter(target_id=alice.uuid).values_list("action", flat=True)
    assert {"second-factor.add", "second-factor.remove"} <= set(actions)
    texts = Mail.objects.filter(template="sign_in_changed", recipient=alice.email).values_list(
        "text", flat=True
    )
    told = sorted("added" if "was added" in text else "removed" for text in texts)
    assert told == ["added", "removed"]


def test_other_ways_to_sign_in_ask_for_it_too(
    client: Client, alice: User, secret: str, link: Callable[..., AuthMethod], monkeypatch: pytest.MonkeyPatch
) -> None:
    method = link(alice, "ldap", "ada")
    monkeypatch.setattr(ldap_method, "authenticate", lambda *_, **__: Identity("ldap", "ada"))
    other = Client()
    answer = other.post("/ui/login/ldap/", {"username": "ada", "password": "x"})
    assert answer["Location"] == f"{PAGES}authenticate/"
    method.refresh_from_db()
    assert method.last_login is None
    ask(other, code_of(secret, now()))
    assert is_signed_in(other)
    method.refresh_from_db()
    assert method.last_login is not None


def test_programs_go_on_without_it(client: Client, alice: User, secret: str) -> None:
    token, _ = tokens.create_api_token(SYSTEM, alice, "script")
    assert tokens.identify(token).user == alice.uuid
    grant = tokens.lookup(tokens.issue(alice, kind="login", expires=now() + datetime.timedelta(hours=1)))
    assert grant.user__uuid == alice.uuid


def test_apis_do_not_take_the_password_alone_and_say_why_to_who_knows_it(
    alice: User, secret: str, settings: Any
) -> None:
    def login(password: str, passcode: str | None = None) -> str:
        return sessions.open_by_password(
            "alice@example.org", password, Scope(), address="192.0.2.1", passcode=passcode
        )

    with pytest.raises(Unauthorized) as refused:
        login(PASSWORD)
    assert "second factor" in refused.value.message
    with pytest.raises(Unauthorized) as refused:
        login("wrong")
    assert "second factor" not in refused.value.message
    with pytest.raises(Unauthorized):
        login(PASSWORD, "000000")
    assert tokens.identify(login(PASSWORD, code_of(secret, now()))).user == alice.uuid
    settings.ASTAKOS_API_PASSWORD_ALONE = True
    assert tokens.identify(login(PASSWORD)).user == alice.uuid


def test_identity_v3_takes_password_and_code_together(client: Client, alice: User, secret: str) -> None:
    who = {"name": "alice@example.org", "domain": {"id": "default"}}

    def ask(methods: list[str], **more: Any) -> Any:
        identity = {"methods": methods, "password": {"user": {**who, "password": PASSWORD}}, **more}
        return client.post(
            "/astakos/identity/v3/auth/tokens", {"auth": {"identity": identity}}, "application/json"
        )

    refused = ask(["password"])
    assert refused.status_code == 401
    assert "second factor" in refused.json()["error"]["message"]
    assert ask(["password", "totp"], totp={"user": {**who, "passcode": "000000"}}).status_code == 401
    code = code_of(secret, now())
    taken = ask(["password", "totp"], totp={"user": {**who, "passcode": code}})
    assert taken.status_code == 201
    assert taken.json()["token"]["methods"] == ["password", "totp"]


def test_a_code_without_a_second_factor_proves_nothing(alice: User) -> None:
    with pytest.raises(Unauthorized):
        sessions.open_by_password(
            "alice@example.org", PASSWORD, Scope(), address="192.0.2.1", passcode="000000"
        )


def test_codes_are_not_guessed_at_will_by_the_api_either(alice: User, secret: str) -> None:
    def login(passcode: str) -> str:
        return sessions.open_by_password(
            "alice@example.org", PASSWORD, Scope(), address="192.0.2.1", passcode=passcode
        )

    for _ in range(5):
        with pytest.raises(Unauthorized):
            login("000000")
    with pytest.raises(TooManyRequests):
        login(code_of(secret, now()))
