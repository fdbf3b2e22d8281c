"""A cloud with its standard catalog and a few people: a member, another one, an administrator."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from synnefo.astakos.accounts import rules, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog import listing
from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.catalog.standard import register_standard
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Membership, Project
from synnefo.common.caller import system_caller
from tests.pictures import again

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
    again("the standard catalog", register_standard)


@pytest.fixture
def person(cloud: None) -> Callable[..., Person]:
    """Makes accepted users: ``person("ada")`` is ada@example.org."""

    def make(name: str, *, admin: bool = False, password: str = PASSWORD) -> Person:
        def accepted() -> tuple[str, str]:
            caller = system_caller("test")
            email = f"{name.capitalize()}@Example.org"
            user = rules.create(caller, email, name.capitalize(), "Byron", password=password, admin=admin)
            user = rules.accept(caller, rules.verify(caller, user))
            return user.uuid, tokens.create_api_token(caller, user, "test")[0]

        how = settings.PASSWORD_HASHERS[0]
        uuid, token = again(f"{name}, {admin}, {password}, {how}", accepted)
        return Person(User.objects.get(uuid=uuid), password, token)

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


@pytest.fixture
def lab(cloud: None) -> Callable[..., Project]:
    """Makes a running project with an owner and members; every resource: 3 a member, 10 in all."""

    def make(owner: Person, *members: Person) -> Project:
        project = Project.objects.create(
            realname="lab.example.org",
            name="lab.example.org",
            owner=owner.user,
            state=Project.State.NORMAL,
            end_date=timezone.now() + datetime.timedelta(days=365),
        )
        for person in members:
            state = Membership.State.ACCEPTED
            Membership.objects.create(project=project, person=person.user, state=state, initialized=True)
        names = Resource.objects.values_list("name", flat=True)
        projects.set_limits(system_caller("test"), project, dict.fromkeys(names, (3, 10)))
        return project

    return make
