"""Passwords as older systems kept them let in, and are then kept as ours are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from synnefo.astakos import default_settings
from synnefo.astakos.accounts import login
from synnefo.astakos.accounts.models import User

PASSWORD = "κωδικός with spaces-7"


def _hex(digest: str, text: str) -> str:
    return hashlib.new(digest, text.encode()).hexdigest()


KEPT = {
    "PBKDF2 of 0.21": PBKDF2PasswordHasher().encode(PASSWORD, "ifGWueQYtWzi", 15_000),
    "PBKDF2 of older releases": PBKDF2PasswordHasher().encode(PASSWORD, "Zx81oldSaltQ", 10_000),
    "SHA-1 with salt": f"sha1$rQthup${_hex('sha1', f'rQthup{PASSWORD}')}",
    "SHA-1 with an empty salt": f"sha1$${_hex('sha1', PASSWORD)}",
    "MD5 with salt": f"md5$a1b2c${_hex('md5', f'a1b2c{PASSWORD}')}",
    "MD5 with an empty salt": f"md5$${_hex('md5', PASSWORD)}",
    "MD5 alone": _hex("md5", PASSWORD),
}


@pytest.fixture(autouse=True)
def kept_as_ever(settings: Any) -> Iterator[None]:
    settings.PASSWORD_HASHERS = default_settings.PASSWORD_HASHERS
    _forget()
    yield
    _forget()


def _forget() -> None:
    login._older_passwords.cache_clear()
    login._decoy_hash.cache_clear()


@pytest.mark.parametrize("encoded", KEPT.values(), ids=KEPT.keys())
def test_an_old_password_lets_in_and_is_kept_anew(new_person: Callable[..., Any], encoded: str) -> None:
    user = new_person("carol").user
    User.objects.filter(pk=user.pk).update(password=encoded)
    assert login.by_password("carol@example.org", PASSWORD + " ", address="") is None
    assert login.by_password("carol@example.org", "", address="") is None
    assert User.objects.get(pk=user.pk).password == encoded
    assert login.by_password("Carol@Example.ORG", PASSWORD, address="") == user
    kept = User.objects.get(pk=user.pk).password
    assert kept.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert login.by_password("carol@example.org", PASSWORD, address="") == user
    assert User.objects.get(pk=user.pk).password == kept


@pytest.mark.parametrize("encoded", ["", "!", "!8YmHqv", "crypt$ab$cd", "sha1$", "d41d8cd9"])
def test_what_is_no_password_lets_nobody_in(new_person: Callable[..., Any], encoded: str) -> None:
    user = new_person("carol").user
    User.objects.filter(pk=user.pk).update(password=encoded)
    for password in ("", "!", encoded, PASSWORD):
        assert login.by_password("carol@example.org", password, address="") is None


def test_a_password_changed_meanwhile_is_not_overwritten(new_person: Callable[..., Any]) -> None:
    user = new_person("carol").user
    User.objects.filter(pk=user.pk).update(password="argon2$changed")
    login._keep_anew(user, KEPT["MD5 alone"], PASSWORD)
    assert User.objects.get(pk=user.pk).password == "argon2$changed"


@pytest.mark.parametrize("name", ["carol@example.org", "dave@example.org", "nobody@example.org"])
def test_every_refusal_costs_the_same_work(
    new_person: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Counted, not timed: one argon2id, and as many rounds of PBKDF2 as the old system had."""
    for person, encoded in (("carol", KEPT["PBKDF2 of older releases"]), ("dave", KEPT["MD5 alone"])):
        User.objects.filter(pk=new_person(person).user.pk).update(password=encoded)
    login._decoy_hash()
    work = _Work(monkeypatch)
    assert login.by_password(name, "another password", address="") is None
    assert (work.argon2, work.rounds) == (1, 15_000)


def test_without_old_passwords_there_is_no_more_work_than_one_argon2(
    new_person: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    new_person("carol")
    login._decoy_hash()
    work = _Work(monkeypatch)
    for name in ("carol@example.org", "nobody@example.org"):
        assert login.by_password(name, "another password", address="") is None
    assert (work.argon2, work.rounds) == (2, 0)


class _Work:
    """What it costs to try a password."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from synnefo.astakos.accounts.hashing import Argon2id

        self.argon2, self.rounds = 0, 0
        verify, encode, pbkdf2 = Argon2id.verify, Argon2id.encode, login.pbkdf2

        def counted(function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                self.argon2 += 1
                return function(*args, **kwargs)

            return call

        def rounds(password: Any, salt: Any, iterations: int, *args: Any, **kwargs: Any) -> bytes:
            self.rounds += iterations
            return pbkdf2(password, salt, iterations, *args, **kwargs)

        monkeypatch.setattr(Argon2id, "verify", counted(verify))
        monkeypatch.setattr(Argon2id, "encode", counted(encode))
        monkeypatch.setattr("synnefo.astakos.accounts.login.pbkdf2", rounds)
        monkeypatch.setattr("django.contrib.auth.hashers.pbkdf2", rounds)
