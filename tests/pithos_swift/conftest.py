"""A project with two members, and clients of the Swift face for everybody who may come."""

from __future__ import annotations

import dataclasses
import datetime
import io
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from synnefo.common.caller import Scope
from synnefo.pithos.blocks.base import Blocks
from tests.conftest import People
from tests.pithos_kit import body_of
from tests.pithos_kit import store as store

TOP = "/pithos/object-store/swift/v1/"


@dataclasses.dataclass
class Api:
    """One token's client; ``account`` is where relative paths begin."""

    token: str
    account: str
    client: Client = dataclasses.field(default_factory=Client)

    def __call__(
        self, method: str, path: str = "", data: bytes | str = b"", kind: str = "", **headers: str
    ) -> Any:
        url = path if path.startswith("/") else f"{TOP}AUTH_{self.account}{'/' if path else ''}{path}"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = data.encode() if isinstance(data, str) else data
        environ: dict[str, Any] = {"CONTENT_LENGTH": str(len(raw)), "wsgi.input": io.BytesIO(raw)}
        if kind:
            environ["CONTENT_TYPE"] = kind
        if self.token:
            given["X-Auth-Token"] = self.token
        return self.client.generic(method, url, b"", content_type=kind, headers=given, **environ)

    def at(self, account: str) -> Api:
        return Api(self.token, account)

    def put(self, path: str, data: bytes | str = b"", **headers: str) -> Any:
        response = self("PUT", path, data, "text/plain", **headers)
        assert response.status_code == 201, response.content
        return response

    def read(self, path: str, **headers: str) -> bytes:
        response = self("GET", path, **headers)
        assert response.status_code in (200, 206), response.content
        return body_of(response)

    def lines(self, path: str) -> list[str]:
        response = self("GET", path)
        assert response.status_code in (200, 204), response.content
        return response.content.decode().splitlines()


@dataclasses.dataclass(frozen=True)
class Team:
    """A project, and tokens of those who are in it: scoped to it, or (``unscoped``) an API token."""

    project: str
    member: Api
    mate: Api
    reader: Api
    unscoped: Api


@pytest.fixture
def api(people: People, store: Blocks) -> Api:
    """Alice's client, and her container ``c``."""
    made = Api(people.alice.token, people.alice.user.uuid)
    assert made("PUT", "c").status_code == 201
    return made


@pytest.fixture
def team(people: People, store: Blocks) -> Team:
    """Alice and Bob in one project, which has a container ``c`` with an object ``o``."""
    from synnefo.astakos.accounts import credentials, sessions, tokens
    from synnefo.astakos.catalog.models import Resource
    from synnefo.astakos.projects import rules
    from synnefo.astakos.projects.models import Membership, Project
    from tests.conftest import SYSTEM

    expires = timezone.now() + datetime.timedelta(hours=1)
    project = Project.objects.create(
        realname="team.example.org", owner=people.alice.user, state=Project.State.NORMAL, end_date=expires
    )
    for user in (people.alice.user, people.bob.user):
        state = Membership.State.ACCEPTED
        Membership.objects.create(project=project, person=user, state=state, initialized=True)
    rules.fill_limits([project], Resource.objects.all())
    rules.sync([project])

    def scoped(user: Any) -> Api:
        token = tokens.issue(user, kind="login", project=project, expires=expires)
        assert tokens.identify(token).caller(Scope.PROJECT).project == project.uuid
        return Api(token, project.uuid)

    credential, secret = credentials.insert(
        SYSTEM, people.bob.user, project, name="reading", roles=["reader"], expires=None
    )
    reading = sessions.open_by_application_credential(
        secret, uuid=credential.uuid, name=None, user=None, address=""
    )
    unscoped, _ = tokens.create_api_token(SYSTEM, people.alice.user, "any")
    made = Team(
        project.uuid, scoped(people.alice.user), scoped(people.bob.user), Api(reading, project.uuid),
        Api(unscoped, project.uuid),
    )  # fmt: skip
    assert made.member("PUT", "c").status_code == 201
    made.member.put("c/o", "team's")
    return made
