"""People who sign in by several ways."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import rules
from synnefo.astakos.methods.identities import Identity
from synnefo.astakos.methods.models import AuthMethod
from tests.conftest import SYSTEM, People

PASSWORD = "a-long-password-1"


@pytest.fixture(autouse=True)
def _all_modules(settings: Any) -> None:
    settings.ASTAKOS_IM_MODULES = ["local", "ldap", "shibboleth", "oidc", "google", "linkedin", "twitter"]
    settings.ASTAKOS_MODERATION_ENABLED = True


@pytest.fixture
def alice(people: People) -> User:
    user: User = people.alice.user
    return user


@pytest.fixture
def bob(people: People) -> User:
    user: User = people.bob.user
    return user


@pytest.fixture
def link() -> Callable[..., AuthMethod]:
    """Gives a user an identity: ``link(alice, "google", "1234")``."""

    def make(user: User, module: str, identifier: str) -> AuthMethod:
        return rules.add(SYSTEM, user, Identity(module, identifier))

    return make


def sign_in(client: Client, **more: str) -> Any:
    return client.post("/ui/login/", {"login": "alice@example.org", "password": PASSWORD, **more})


def is_signed_in(client: Client) -> bool:
    return client.get("/ui/account/methods/").status_code == 200


def texts_of(answer: Any) -> str:
    """What a page says, without its markup."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))
