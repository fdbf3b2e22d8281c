"""Processes for objects remember whose a token is. They hear of it at once when that is not so any more."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.pithos_server.servers import PASSWORD, Cloud, Group, wait_for

pytestmark = [pytest.mark.host, pytest.mark.e2e]

READS = 40


@pytest.fixture(scope="module")
def pages(cloud: Cloud) -> Iterator[Group]:
    with cloud.group("granian", "pages") as group:
        yield group


@pytest.fixture(scope="module")
def objects(cloud: Cloud) -> Iterator[Group]:
    with cloud.group("granian", "objects") as group:
        assert group.put("c")[0] in (201, 202)
        assert group.put("c/o", b"content")[0] == 201
        yield group


def tokens_of(pages: Group) -> str:
    return f"http://127.0.0.1:{pages.port}/astakos/identity/v3/auth/tokens"


def signed_in(pages: Group) -> str:
    """A new token."""
    user = {"name": "a@example.org", "domain": {"id": "default"}, "password": PASSWORD}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    return httpx.post(tokens_of(pages), json=body).headers["X-Subject-Token"]


def statuses(cloud: Cloud, objects: Group, token: str) -> set[int]:
    """Of reads by both processes, each over a connection of its own."""
    path = f"/pithos/object-store/swift/v1/AUTH_{cloud.account}/c/o"
    return {objects.request("GET", path, X_Auth_Token=token)[0] for _ in range(READS)}


def test_a_token_that_is_revoked_elsewhere_reads_nothing_more(
    cloud: Cloud, pages: Group, objects: Group
) -> None:
    token, other = signed_in(pages), signed_in(pages)
    for _ in range(3):
        assert statuses(cloud, objects, token) == {200}
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    assert httpx.delete(tokens_of(pages), headers=headers).status_code == 204
    wait_for(lambda: statuses(cloud, objects, token) == {401}, "the word comes", timeout_s=2)
    assert statuses(cloud, objects, token) == {401}
    assert statuses(cloud, objects, other) == {200}
