"""Signing in by password: one rule for the pages and the APIs.

Whatever is wrong (no such user, another password, not accepted, not active), the answer is the same and
takes as long.
"""

from __future__ import annotations

import functools

from django.contrib.auth.hashers import check_password, make_password

from synnefo.astakos.accounts import throttle
from synnefo.astakos.accounts.models import User
from synnefo.common.ids import parse_uuid


def by_password(name: str, password: str, *, address: str) -> User | None:
    """The active user with this name (e-mail in any case, or uuid) and password, or None.

    Raises TooManyRequests after too many failures.
    """
    throttle.check(name, address)
    user = _active_user(name)
    known = user is not None and user.has_usable_password()
    correct = check_password(password, user.password if user is not None and known else _decoy_hash())
    if not known or not correct:
        throttle.note_failure(name, address)
        return None
    return user


def _active_user(name: str) -> User | None:
    uuid = parse_uuid(name)
    rows = User.objects.filter(is_active=True)
    return rows.filter(uuid=uuid).first() if uuid else rows.filter(username=name.strip().lower()).first()


@functools.cache
def _decoy_hash() -> str:
    """Of the same cost as real ones; nobody is let in by it."""
    return make_password("the password of nobody")
