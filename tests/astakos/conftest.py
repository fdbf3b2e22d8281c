"""A cloud with its standard catalog and a few people: a member, another one, an administrator."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from django.test import Client

from synnefo.astakos.accounts import rules, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog import listing
from synnefo.astakos.catalog.standard import register_standard
from synnefo.common.caller import system_caller

PASSWORD = "a horse, a battery"


@dataclasses.dataclass
class Person:
    """A user, his password and an API token of his."""

    user: User
    password: str
    token: str

    @property
    def uuid(self) -> str:
        return self.user.uuid


@pytest.fixture
def cloud(db: None) -> None:
    listing.forget()
    register_standard()


@pytest.fixture
def person(cloud: None) -> Callable[..., Person]:
    """Makes accepted users: ``person("ada")`` is ada@example.org."""

    def make(name: str, *, admin: bool = False, password: str = PASSWORD) -> Person:
        caller = system_caller("test")
        user = rules.create(
            caller,
            f"{name.capitalize()}@Example.org",
            name.capitalize(),
            "Byron",
            password=password,
            admin=admin,
        )
        user = rules.accept(caller, rules.verify(caller, user))
        token, _ = tokens.create_api_token(caller, user, "test")
        return Person(user, password, token)

    return make


@pytest.fixture
def ada(person: Callable[..., Person]) -> Person:
    return person("ada")


@pytest.fixture
def bob(person: Callable[..., Person]) -> Person:
    return person("bob")


@pytest.fixture
def root(person: Callable[..., Person]) -> Person:
    return person("root", admin=True)


@pytest.fixture
def http() -> Client:
    return Client(raise_request_exception=True)
