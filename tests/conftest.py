"""A small cloud for tests: people, an engine in memory, flavors, an image, a public network."""

from __future__ import annotations

import dataclasses
import datetime
import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from synnefo.common.caller import Caller, Scope, system_caller
from tests import database
from tests.pictures import again

SYSTEM = system_caller("tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests about PostgreSQL alone are not of a run on SQLite."""
    if connection.vendor == "postgresql":
        return
    alone = [item for item in items if item.get_closest_marker("postgresql")]
    if alone:
        config.hook.pytest_deselected(items=alone)
        items[:] = [item for item in items if item not in alone]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Where everything is set up, a test that skips itself for want of something has failed."""
    report = yield
    reason = str(report.longrepr[2]) if report.skipped and isinstance(report.longrepr, tuple) else ""
    if report.skipped and os.environ.get("CI") and "by design" not in reason:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped itself: {reason}"
    return report


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """True where an empty database with all tables is there already, which pytest-django then takes."""
    return database.begin()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        database.keep()


@pytest.fixture(autouse=True)
def _no_memory() -> Iterator[None]:
    """What a test leaves in the cache, counts of what its users did, is not there for users of the next."""
    yield
    cache.clear()


@dataclasses.dataclass(frozen=True)
class Person:
    """A user with a system project and a token scoped to it."""

    user: Any
    token: str
    caller: Caller

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Auth-Token": self.token}


@dataclasses.dataclass(frozen=True)
class People:
    alice: Person
    bob: Person
    admin: Person


@pytest.fixture
def standard(db: None) -> None:
    """Services, endpoints and resources as set-up registers them, with generous defaults."""
    from synnefo.astakos.catalog import listing
    from synnefo.astakos.catalog.models import Resource
    from synnefo.astakos.catalog.standard import register_standard

    def register() -> None:
        register_standard()
        Resource.objects.update(system_default=2**50, project_default=2**50)

    again("standard", register)
    listing.forget()  # rows that are put back tell nobody


@pytest.fixture
def new_person(standard: None) -> Callable[..., Person]:
    from synnefo.astakos.accounts import rules, tokens
    from synnefo.astakos.projects import rules as projects

    def make(name: str, *, admin: bool = False) -> Person:
        user = rules.create(
            SYSTEM, f"{name}@example.org", name.title(), "Tester", password="a-long-password-1", admin=admin
        )
        user = rules.accept(SYSTEM, rules.verify(SYSTEM, user))
        expires = timezone.now() + datetime.timedelta(days=1)  # a run of all tests is shorter
        token = tokens.issue(user, kind="login", project=projects.get(user.uuid), expires=expires)
        return person_of(token)

    return make


def person_of(token: str) -> Person:
    from synnefo.astakos.accounts import tokens
    from synnefo.astakos.accounts.models import User

    caller = tokens.identify(token).caller(Scope.PROJECT, request_id="req-test")
    return Person(User.objects.get(uuid=caller.user), token, caller)


@pytest.fixture
def people(new_person: Callable[..., Person]) -> People:
    def make() -> tuple[str, ...]:
        new = new_person("alice"), new_person("bob"), new_person("root", admin=True)
        return tuple(person.token for person in new)

    return People(*map(person_of, again("people", make)))


@pytest.fixture
def backend_row(db: None) -> Any:
    from synnefo.cyclades.backends.models import Backend

    key = again("the engine's row", lambda: Backend.objects.create(name="memory", kind="local").pk)
    return Backend.objects.get(pk=key)


@pytest.fixture
def engine_room(backend_row: Any) -> Iterator[Any]:
    """The engine in memory that every server of a test runs on."""
    from synnefo.cyclades.backends import registry
    from synnefo.cyclades.backends.memory import MemoryBackend

    driver = MemoryBackend()
    registry.put(backend_row, driver)
    yield driver
    registry.forget_all()


@pytest.fixture
def flavor(db: None) -> Any:
    from synnefo.cyclades.flavors import rules

    return rules.create(SYSTEM, cpu=1, ram=256, disk=1)


@pytest.fixture
def image(people: People) -> Any:
    from synnefo.cyclades.images import rules

    content = io.BytesIO(b"\xeb\x63\x90" + bytes(1024 * 1024 - 3))
    return rules.register(
        people.admin.caller, content, name="tiny", is_public=True, properties={"os": "linux"}
    )


@pytest.fixture
def public_network(people: People) -> Any:
    from synnefo.cyclades.networks import rules

    network = rules.create(people.admin.caller, name="public", public=True, floating_ip_pool=True)
    rules.create_subnet(people.admin.caller, network.uuid, cidr="198.18.0.0/24")
    return network


@pytest.fixture
def cloud(people: People, engine_room: Any, flavor: Any, image: Any, public_network: Any) -> People:
    """All of the above at once."""
    return people


@pytest.fixture
def settle(db: None) -> Callable[[], None]:
    """Work off all operations now, as dispatchers would in time."""
    return work_off


def work_off(limit: int = 500) -> None:
    """Claim and run operations until none is active; sleeping ones are woken."""
    from synnefo.engine import runner
    from synnefo.engine.models import Operation

    for _ in range(limit):
        active = Operation.objects.filter(state__in=Operation.ACTIVE)
        if not active.exists():
            return
        active.update(wake_at=timezone.now())
        for row in runner.claim("tests", 10):
            runner.work(row)
    left = [str(row) + " " + row.error for row in Operation.objects.filter(state__in=Operation.ACTIVE)]
    raise AssertionError(f"operations do not end: {left}")
