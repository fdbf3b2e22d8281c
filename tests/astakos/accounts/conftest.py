"""People on their way to an account, and what is mailed to them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from synnefo.astakos.accounts import rules
from synnefo.astakos.accounts.models import User
from synnefo.astakos.mails.models import Mail
from synnefo.common.caller import Caller, system_caller

PASSWORD = "a horse, a battery"
SYSTEM = system_caller("test")
STRANGER = Caller(user="", project="", address="192.0.2.7")

#: How far an account is, to what brings a new one there.
STATES: dict[str, Callable[[User], User]] = {
    "unverified": lambda user: user,
    "waiting": lambda user: rules.verify(SYSTEM, user),
    "rejected": lambda user: rules.reject(SYSTEM, rules.verify(SYSTEM, user), reason="unknown to us"),
    "active": lambda user: rules.accept(SYSTEM, rules.verify(SYSTEM, user)),
    "inactive": lambda user: rules.deactivate(
        SYSTEM, rules.accept(SYSTEM, rules.verify(SYSTEM, user)), reason="holidays"
    ),
}


@pytest.fixture
def user_in(cloud: None) -> Callable[..., User]:
    """``user_in("waiting")`` is ada@example.org, so far."""

    def make(state: str, email: str = "Ada@Example.org") -> User:
        return STATES[state](rules.create(SYSTEM, email, "Ada", "Byron", password=PASSWORD))

    return make


def mails(template: str = "") -> list[Mail]:
    """Oldest first."""
    rows = Mail.objects.order_by("pk")
    return list(rows.filter(template=template) if template else rows)


def link_in(mail: Mail) -> str:
    """The path of the first link of a mail; text and HTML have the same."""
    (url,) = set(re.findall(r"http://127.0.0.1:8080(/ui/[^\s\"<]{12,})", mail.text)) & set(
        re.findall(r"http://127.0.0.1:8080(/ui/[^\s\"<]{12,})", mail.html)
    )
    return url


def token_in(mail: Mail) -> str:
    return link_in(mail).rstrip("/").rpartition("/")[2]
