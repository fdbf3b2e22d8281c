"""Clients of the WebDAV face, signed in by user and token as programs are."""

from __future__ import annotations

import base64
import dataclasses
import io
from typing import Any
from urllib.parse import quote, unquote

import defusedxml.ElementTree
import pytest
from django.test import Client

from synnefo.astakos.accounts import tokens
from synnefo.pithos.blocks.base import Blocks
from tests.conftest import SYSTEM, People, Person
from tests.pithos_kit import body_of
from tests.pithos_kit import store as store

TOP = "/pithos/dav"
DAV = "{DAV:}"
LOCK = (
    '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype>'
    "<D:owner>tests</D:owner></D:lockinfo>"
)


@dataclasses.dataclass
class Dav:
    """One user's client; paths are below the face, or absolute."""

    user: str
    secret: str
    client: Client = dataclasses.field(default_factory=Client)

    def __call__(self, method: str, path: str = "", data: bytes | str = b"", **headers: str) -> Any:
        url = path if path.startswith("/") else f"{TOP}/{quote(path)}"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = data.encode() if isinstance(data, str) else data
        environ: dict[str, Any] = {"CONTENT_LENGTH": str(len(raw)), "wsgi.input": io.BytesIO(raw)}
        if "Destination" in given and not given["Destination"].startswith(("/", "http")):
            given["Destination"] = f"http://testserver{TOP}/{quote(given['Destination'])}"
        if self.user:
            both = base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()
            given.setdefault("Authorization", f"Basic {both}")
        kind = given.pop("Content-Type", "")
        if kind:
            environ["CONTENT_TYPE"] = kind
        return self.client.generic(method, url, b"", content_type=kind, headers=given, **environ)

    def must(self, status: int, method: str, path: str = "", data: bytes | str = b"", **headers: str) -> Any:
        response = self(method, path, data, **headers)
        assert response.status_code == status, (response.status_code, body_of(response))
        return response

    def put(self, path: str, data: bytes | str = b"x", **headers: str) -> Any:
        response = self("PUT", path, data, **headers)
        assert response.status_code in (201, 204), response.content
        return response

    def read(self, path: str, **headers: str) -> bytes:
        response = self("GET", path, **headers)
        assert response.status_code in (200, 206), response.content
        return body_of(response)

    def find(self, path: str = "", body: str = "", depth: str = "1") -> dict[str, dict[str, Any]]:
        """The properties that are there, by path below the face and by name."""
        response = self.must(207, "PROPFIND", path, body, Depth=depth)
        return properties(body_of(response))

    def names(self, path: str = "") -> list[str]:
        """Of what is in a folder; folders end in a slash."""
        found = list(self.find(path))
        assert found[0].strip("/") == path.strip("/")
        return [name.removeprefix(found[0]) for name in found[1:]]

    def lock(self, path: str, *, scope: str = "exclusive", **headers: str) -> str:
        """The token."""
        response = self("LOCK", path, LOCK.format(scope=scope), **headers)
        assert response.status_code in (200, 201), response.content
        return str(response["Lock-Token"]).strip("<>")


def properties(text: bytes, status: str = "200") -> dict[str, dict[str, Any]]:
    """What a multistatus tells with a status."""
    found: dict[str, dict[str, Any]] = {}
    for response in defusedxml.ElementTree.fromstring(text):
        path = unquote(response.findtext(f"{DAV}href") or "").removeprefix(f"{TOP}/")
        found[path] = {}
        for one in response.iter(f"{DAV}propstat"):
            if f" {status} " in (one.findtext(f"{DAV}status") or ""):
                found[path] |= {element.tag: element for element in one.find(f"{DAV}prop") or ()}
    return found


def api_token(person: Person, **limits: Any) -> str:
    return tokens.create_api_token(SYSTEM, person.user, "disk", **limits)[0]


@pytest.fixture
def dav(people: People, store: Blocks) -> Dav:
    """Alice's client, and her container ``c``."""
    made = Dav("alice@example.org", api_token(people.alice))
    made.must(201, "MKCOL", "c")
    return made


@pytest.fixture
def bobs(people: People, store: Blocks) -> Dav:
    return Dav(people.bob.user.uuid, api_token(people.bob))
