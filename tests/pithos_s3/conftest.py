"""Clients of the S3 face, signing with botocore's own signer: one for everybody who may come."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import io
from typing import Any
from urllib.parse import quote, unquote_to_bytes
from xml.etree.ElementTree import Element

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from defusedxml.ElementTree import fromstring
from django.test import Client
from django.urls import set_urlconf
from django.utils import timezone

from synnefo.pithos.blocks.base import Blocks
from tests.conftest import SYSTEM, People, Person
from tests.pithos_kit import body_of
from tests.pithos_kit import store as store
from tests.pithos_s3.server import bucket as bucket
from tests.pithos_s3.server import s3 as s3
from tests.pithos_s3.server import server as server

HOST = "s3.test:8083"
REGION = "us-east-1"


@dataclasses.dataclass
class Api:
    """One access key's client; nobody's without one."""

    access: str = ""
    secret: str = ""
    host: str = HOST
    client: Client = dataclasses.field(default_factory=Client)

    def __call__(
        self, method: str, path: str = "/", data: bytes | str = b"", query: str = "", **headers: str
    ) -> Any:
        """``path`` and ``query`` are encoded already; ``x_amz_acl="private"`` are headers."""
        raw = data.encode() if isinstance(data, str) else data
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"http://{self.host}{path}{'?' if query else ''}{query}"
        return self.send(method, url, raw, self.signed(method, url, raw, given))

    def send(self, method: str, url: str, data: bytes, headers: dict[str, str]) -> Any:
        """A request as it is, signed or not."""
        target = url.removeprefix(f"http://{self.host}")
        environ: dict[str, Any] = {"CONTENT_LENGTH": str(len(data)), "wsgi.input": io.BytesIO(data)}
        given = {name: text.encode().decode("latin-1") for name, text in headers.items()}
        given["Host"] = self.host
        kind = next((given.pop(name) for name in list(given) if name.lower() == "content-type"), "")
        if kind:
            environ["CONTENT_TYPE"] = kind
        # Django's client decodes a path only once, as servers do, but drops what follows a semicolon.
        path, _, query = target.partition("?")
        environ |= {"PATH_INFO": _decoded(path), "QUERY_STRING": query}
        return self.client.generic(method, "/", b"", content_type=kind, headers=given, **environ)

    def signed(
        self, method: str, url: str, data: bytes, headers: dict[str, str], region: str = REGION
    ) -> dict[str, str]:
        """The headers with a signature; as they are for nobody."""
        if not self.access:
            return headers
        request = AWSRequest(method, url, dict(headers), data)
        signer = S3SigV4Auth(Credentials(self.access, self.secret), "s3", region)
        request.context["client_config"] = None
        if "x-amz-content-sha256" in headers:
            signer.payload = lambda _: headers["x-amz-content-sha256"]  # type: ignore[method-assign]
        else:
            request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(data).hexdigest()
            signer.payload = lambda _: hashlib.sha256(data).hexdigest()  # type: ignore[method-assign]
        signer.add_auth(request)
        return dict(request.headers.items())

    def presigned(self, method: str, path: str, expires_s: int = 60, query: str = "", **headers: str) -> str:
        url = f"http://{self.host}{path}{'?' if query else ''}{query}"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest(method, url, given)
        S3SigV4QueryAuth(Credentials(self.access, self.secret), "s3", REGION, expires_s).add_auth(request)
        return str(request.url)

    def put(self, path: str, data: bytes | str = b"", **headers: str) -> Any:
        response = self("PUT", path, data, **headers)
        assert response.status_code == 200, response.content
        return response

    def read(self, path: str, query: str = "", **headers: str) -> bytes:
        response = self("GET", path, query=query, **headers)
        assert response.status_code in (200, 206), body_of(response)
        return body_of(response)


def _decoded(path: str) -> str:
    return unquote_to_bytes(path).decode("latin-1")


def tree(response: Any) -> Element:
    """The answer's root, names without namespaces."""
    root: Element = fromstring(response.content)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def texts(response: Any, path: str) -> list[str]:
    """What elements of the answer say, as ``Contents/Key``."""
    return [element.text or "" for element in tree(response).findall(path)]


def error(response: Any) -> tuple[int, str]:
    return response.status_code, texts(response, "Code")[0]


def encoded(key: str) -> str:
    return quote(key.encode(), safe="/")


def key_of(person: Person, project: Any = None) -> Api:
    """A client with an access key in a project, his own if none is said."""
    from synnefo.astakos.keys import rules
    from synnefo.astakos.projects import rules as projects

    row, secret = rules.create(SYSTEM, person.user, project or projects.get(person.user.uuid))
    return Api(row.access, secret)


@pytest.fixture(autouse=True)
def port(settings: Any) -> None:
    """All requests come to a process that speaks S3; whoever makes people needs the other addresses, too."""
    settings.MIDDLEWARE = ["synnefo.common.http.context.RequestContext", "tests.pithos_s3.conftest.speaks_s3"]


def speaks_s3(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        request.urlconf = "synnefo.pithos.faces.s3.urls"
        try:
            return get_response(request)
        finally:
            set_urlconf(None)

    return middleware


@pytest.fixture
def api(people: People, store: Blocks) -> Api:
    """Alice's client, and her bucket ``bucket``."""
    made = key_of(people.alice)
    assert made("PUT", "/bucket").status_code == 200
    return made


@pytest.fixture
def nobody(store: Blocks) -> Api:
    return Api()


@dataclasses.dataclass(frozen=True)
class Team:
    """A project with Alice and Bob in it, its bucket ``team`` with an object ``o``, and a reader's key."""

    project: str
    member: Api
    mate: Api
    reader: Api


@pytest.fixture
def team(people: People, new_person: Any, store: Blocks) -> Team:
    from synnefo.astakos.catalog.models import Resource
    from synnefo.astakos.projects import rules
    from synnefo.astakos.projects.models import Membership, Project
    from synnefo.astakos.roles import effective
    from synnefo.astakos.roles.models import Assignment

    end = timezone.now() + datetime.timedelta(hours=1)
    project = Project.objects.create(
        realname="team.example.org", owner=people.alice.user, state=Project.State.NORMAL, end_date=end
    )
    for person in (people.alice, people.bob):
        state = Membership.State.ACCEPTED
        Membership.objects.create(project=project, person=person.user, state=state, initialized=True)
    rules.fill_limits([project], Resource.objects.all())
    rules.sync([project])
    reader = new_person("reader")
    Assignment.objects.create(user=reader.user, project=project, role=effective.READER)
    made = Team(
        project.uuid, key_of(people.alice, project), key_of(people.bob, project), key_of(reader, project)
    )
    assert made.member("PUT", "/team").status_code == 200
    made.member.put("/team/o", "team's")
    return made
