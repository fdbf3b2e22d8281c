"""Projects that run, and what must be true after whatever was done to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from synnefo.astakos.models import Holding, Project, ProjectApplication, User
from synnefo.astakos.projects.applications import PENDING
from synnefo.astakos.projects.holdings import derived
from tests.astakos.conftest import Person
from tests.astakos.projects.api import Api


@pytest.fixture
def eve(person: Callable[..., Person]) -> Person:
    return person("eve")


@pytest.fixture
def running(ada: Person, root: Person) -> Callable[..., str]:
    """Makes running projects of ada's."""

    def make(name: str = "lab.example.org", **more: Any) -> str:
        project, number = Api(ada).apply(name, **more)
        assert Api(root).act(project, "approve", number) == 200
        return project

    return make


@pytest.fixture(autouse=True)
def consistent(db: None) -> Iterator[None]:
    """Whatever a test did: holdings follow projects and members, pending applications are counted."""
    yield
    uuids = list(Project.objects.values_list("uuid", flat=True))
    held = {(row.holder, row.source, row.resource): row.limit for row in Holding.objects.all()}
    for key, limit in derived(uuids).items():
        assert held[key] == limit, key
    for user in User.objects.filter(moderated=True):
        waiting = ProjectApplication.objects.filter(applicant=user, state=0).count()
        counted = Holding.objects.get(
            holder=f"user:{user.uuid}", source=f"project:{user.uuid}", resource=PENDING
        )
        assert counted.usage_max == waiting
