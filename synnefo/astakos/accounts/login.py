"""Signing in by password: one rule for the pages and the APIs.

Whatever is wrong (no such user, another password, not accepted, not active, no right to sign in by a
password), the answer is the same and takes as long, also while some passwords are still kept as an older
system kept them.
"""

from __future__ import annotations

import functools

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, check_password, get_hasher, make_password
from django.db.models import Q
from django.urls import reverse
from django.utils.crypto import pbkdf2
from django.utils.html import format_html

from synnefo.astakos.accounts import throttle
from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import policies
from synnefo.common.ids import parse_uuid

#: What takes time of the older ways: PBKDF2 as Synnefo 0.21 used it.
_SLOW, _SLOW_ITERATIONS = "pbkdf2_sha256", 15_000


def by_password(name: str, password: str, *, address: str) -> User | None:
    """The active user with this name (e-mail in any case, or uuid) and password, or None.

    Raises TooManyRequests after too many failures.
    """
    user = owner_of_password(name, password, address=address)
    return user if user is not None and user.is_active and policies.may_use_password(user) else None


def owner_of_password(name: str, password: str, *, address: str) -> User | None:
    """Whose password this is, however far his account is. He may be told why he is not let in.

    Raises TooManyRequests after too many failures.
    """
    throttle.check(name, address)
    user = _user(name)
    known = user is not None and user.has_usable_password()
    encoded = user.password if user is not None and known else _decoy_hash()
    correct = check_password(password, encoded, lambda given: _keep_anew(user, encoded, given))
    if not known or not correct:
        _even_out(password, encoded)
        throttle.note_failure(name, address)
        return None
    return user


def why_inactive(user: User) -> str:
    """What somebody whose account does not let him in is told."""
    if not user.email_verified:
        again = reverse("signup-again")
        words = (
            "The e-mail address of this account is not confirmed yet. Follow the link in the mail we sent, or"
        )
        return format_html('{} <a href="{}">have it sent again</a>.', words, again)
    if not user.moderated:
        return "This account waits for an administrator's approval. You will get a mail."
    if user.is_rejected:
        return f"This account was not accepted. {user.rejected_reason}".rstrip()
    return (
        f"This account is not active. Ask an administrator of this cloud. {user.deactivated_reason}".rstrip()
    )


def _user(name: str) -> User | None:
    uuid = parse_uuid(name)
    wanted = {"uuid": uuid} if uuid else {"username": name.strip().lower()}
    return User.objects.filter(**wanted).first()


def _keep_anew(user: User | None, encoded: str, password: str) -> None:
    """The right password, which was kept in an older way (unless somebody has just changed it)."""
    if user is not None:
        row, user.password = User.objects.filter(pk=user.pk, password=encoded), make_password(password)
        row.update(password=user.password)


def _even_out(password: str, encoded: str) -> None:
    """Take the time that all other ways of keeping this password would have taken."""
    if not _older_passwords():
        return
    algorithm, _, rest = encoded.partition("$")
    ours = get_hasher()
    if algorithm != ours.algorithm:
        ours.encode(password, ours.salt())
    iterations = rest.partition("$")[0] if algorithm == _SLOW else ""
    spent = int(iterations) if iterations.isdigit() else 0
    if spent < _SLOW_ITERATIONS:
        pbkdf2(password, "salt", _SLOW_ITERATIONS - spent)


@functools.cache
def _older_passwords() -> bool:
    """Asked once in a process's life: accounts are taken over while the services stand still."""
    ours = Q(password__startswith=f"{get_hasher().algorithm}$")
    none = Q(password="") | Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return User.objects.exclude(ours | none).exists()


@functools.cache
def _decoy_hash() -> str:
    """Of the same cost as real ones; nobody is let in by it."""
    return make_password("the password of nobody")
