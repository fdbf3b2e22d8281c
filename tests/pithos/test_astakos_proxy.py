"""Astakos' APIs below the object store's prefix: in the same process, and of an Astakos elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, RequestFactory

from synnefo.webproject import proxies
from tests.conftest import People

BASE = "/pithos/_astakos"
JSON = "application/json"


def test_names_are_looked_up(people: People) -> None:
    wanted = json.dumps({"uuids": [people.alice.user.uuid], "displaynames": []})
    headers = {"X-Auth-Token": people.alice.token}
    response = Client().post(f"{BASE}/account/user_catalogs", wanted, content_type=JSON, headers=headers)
    assert response.status_code == 200
    assert response.json()["uuid_catalog"] == {people.alice.user.uuid: people.alice.user.username}
    assert Client().post(f"{BASE}/account/user_catalogs", wanted, content_type=JSON).status_code == 401
    bad = Client().post(f"{BASE}/account/user_catalogs", "{", content_type=JSON, headers=headers)
    assert bad.status_code == 400


def test_keystones_tokens_are_asked_for(people: People) -> None:
    wanted = json.dumps({"auth": {"token": {"id": people.alice.token}}})
    response = Client().post(f"{BASE}/identity/tokens", wanted, content_type=JSON)
    assert response.status_code == 200
    assert response.json()["access"]["user"]["id"] == people.alice.user.uuid


def test_cookies_do_not_count(people: People) -> None:
    browser = Client()
    browser.force_login(people.alice.user, "synnefo.astakos.accounts.backend.PasswordBackend")
    wanted = json.dumps({"uuids": None})
    assert browser.post(f"{BASE}/account/user_catalogs", wanted, content_type=JSON).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["identity/../../../ui/", "identity/%2e%2e/v3/auth/tokens", "other/x", "account/./x"],
)
def test_what_is_not_there_is_not_found(people: People, path: str) -> None:
    assert Client().get(f"{BASE}/{path}").status_code == 404


def test_pages_are_where_they_are(people: People, settings: Any) -> None:
    settings.SYNNEFO_PUBLIC_URL = "https://cloud.example.org"
    response = Client().get(f"{BASE}/ui/login?next=/pithos/ui/")
    assert response.status_code == 302
    assert response["Location"] == "https://cloud.example.org/astakos/ui/login?next=/pithos/ui/"


@pytest.fixture
def elsewhere(settings: Any) -> Iterator[None]:
    settings.SYNNEFO_SERVICES = ["pithos"]
    yield
    proxies._client().close()
    proxies._client.cache_clear()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("elsewhere")
def test_an_astakos_elsewhere_is_asked_as_it_came(people: People, live_server: Any, settings: Any) -> None:
    settings.ASTAKOS_SEAM_URL = f"{live_server.url}/astakos/account/v1.0/"
    wanted = json.dumps({"uuids": [people.bob.user.uuid]})
    request = RequestFactory().post(
        f"{BASE}/account/user_catalogs?x=y", wanted, content_type=JSON,
        headers={"X-Auth-Token": people.alice.token, "Cookie": "a=b"},
    )  # fmt: skip
    response = proxies.relay(request, "account", "user_catalogs")
    assert (response.status_code, response.streaming) == (200, True)
    found = json.loads(b"".join(response.streaming_content))
    assert found["uuid_catalog"] == {people.bob.user.uuid: people.bob.user.username}
    refused = proxies.relay(RequestFactory().post("/x", "{}", content_type=JSON), "account", "user_catalogs")
    assert refused.status_code == 401


@pytest.mark.usefixtures("db", "elsewhere")
def test_an_astakos_that_is_away_is_told(settings: Any) -> None:
    settings.ASTAKOS_SEAM_URL = "http://127.0.0.1:9/astakos/account/v1.0/"
    response = proxies.relay(RequestFactory().get("/x"), "identity", "tokens")
    assert response.status_code == 502
    long = RequestFactory().post("/x", b"x" * (1024 * 1024 + 1), content_type=JSON)
    assert proxies.relay(long, "account", "user_catalogs").status_code == 413
