"""What the tests of Pithos share."""

from __future__ import annotations

import dataclasses
import datetime
import io
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from synnefo.pithos.blocks.base import Blocks
from tests.conftest import People
from tests.pithos_kit import body_of
from tests.pithos_kit import store as store


@pytest.fixture
def peak_bytes() -> Callable[..., int]:
    """How much memory a call takes at its worst."""

    def measure(call: Callable[[], object]) -> int:
        tracemalloc.start()
        try:
            call()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measure


@dataclasses.dataclass
class Api:
    """Pithos' own face as one person's client sees it."""

    token: str
    account: str
    client: Client = dataclasses.field(default_factory=Client)

    def __call__(
        self, method: str, path: str = "", data: bytes | str = b"", kind: str = "", **headers: str
    ) -> Any:
        """``path`` is below the account, or absolute; ``X_Object_Meta_A="b"`` are headers."""
        base = "/pithos/object-store/v1/"
        url = path if path.startswith("/") else f"{base}{self.account}{'/' if path else ''}{path}"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        content_type = {"CONTENT_TYPE": kind} if kind else {}
        raw = data.encode() if isinstance(data, str) else data
        environ = {"CONTENT_LENGTH": str(len(raw)), "wsgi.input": io.BytesIO(raw), **content_type}
        return self.client.generic(
            method, url, b"", content_type=kind, headers={"X-Auth-Token": self.token, **given}, **environ
        )

    def put(self, path: str, data: bytes | str = b"", **headers: str) -> Any:
        response = self("PUT", path, data, "text/plain", **headers)
        assert response.status_code == 201, response.content
        return response

    def read(self, path: str, **headers: str) -> bytes:
        response = self("GET", path, **headers)
        assert response.status_code in (200, 206), response.content
        return body_of(response)


@pytest.fixture
def api(people: People, store: Blocks) -> Api:
    """Alice's client, and her container ``c``."""
    made = Api(people.alice.token, people.alice.user.uuid)
    assert made("PUT", "c").status_code == 201
    return made


@pytest.fixture
def bob(people: People, api: Api) -> Api:
    """Another person's client, and his container ``c``."""
    made = Api(people.bob.token, people.bob.user.uuid)
    assert made("PUT", "c").status_code == 201
    return made


@pytest.fixture
def new_lab(standard: None) -> Callable[..., Any]:
    """Makes a project with a member, who may store as much as he likes in it."""
    from synnefo.astakos.projects import rules as projects
    from synnefo.astakos.projects.models import Membership, Project
    from synnefo.common.caller import system_caller

    def make(person: Any) -> Any:
        ends = timezone.now() + datetime.timedelta(days=9)
        state = Project.State.NORMAL
        lab = Project.objects.create(
            realname="lab", name="lab", owner=person.user, state=state, end_date=ends
        )
        accepted = Membership.State.ACCEPTED
        Membership.objects.create(project=lab, person=person.user, state=accepted, initialized=True)
        projects.set_limits(system_caller("tests"), lab, {"pithos.diskspace": (2**50, 2**50)})
        return lab

    return make


def names(response: Any) -> list[str]:
    """Those in a list of objects."""
    return [item.get("name") or item["subdir"] for item in response.json()]
