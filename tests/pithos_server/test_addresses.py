"""Where clients and pages are told that the object store is, and what processes say that do not serve it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import clear_url_caches

from synnefo.astakos.catalog import listing
from synnefo.common.http.addresses import accounts_url, objects_path, objects_url
from synnefo.webproject import objects as web_objects
from synnefo.webproject import urls
from tests.conftest import People

PATH = "/pithos/object-store/v1/someone/c/o"


@pytest.mark.parametrize(
    ("host", "listen", "cloud", "public", "expected"),
    [
        ("here:8080", "", "", "", "http://here:8080"),
        ("here:8080", "127.0.0.1:8082", "", "", "http://here:8082"),
        ("[::1]:8080", "0.0.0.0:8082", "", "", "http://[::1]:8082"),
        ("inside", "127.0.0.1:8082", "https://cloud.example.org/", "", "https://cloud.example.org"),
        (
            "inside",
            "127.0.0.1:8082",
            "https://a.example.org",
            "https://b.example.org",
            "https://b.example.org",
        ),
        ("inside", "", "", "https://b.example.org", "https://b.example.org"),
    ],
)
def test_the_origin_is_told_by_settings_or_else_by_the_request(
    settings: Any, host: str, listen: str, cloud: str, public: str, expected: str
) -> None:
    settings.PITHOS_LISTEN, settings.SYNNEFO_PUBLIC_URL, settings.PITHOS_PUBLIC_URL = listen, cloud, public
    assert objects_url(RequestFactory().get("/", HTTP_HOST=host)) == expected


def test_no_base_path_is_none_in_the_path(settings: Any) -> None:
    settings.PITHOS_BASE_PATH = ""
    assert objects_path() == "/object-store"


def test_both_catalogs_lead_objects_to_their_origin_and_all_else_to_the_pages(settings: Any) -> None:
    settings.PITHOS_LISTEN = "127.0.0.1:8082"
    bases = listing.Bases("http://here", "http://here:8082")
    assert bases.absolute("/pithos/object-store/v1") == "http://here:8082/pithos/object-store/v1"
    assert bases.absolute("/cyclades/compute/v2.0") == "http://here/cyclades/compute/v2.0"
    assert bases.absolute("https://far.example.org/v1") == "https://far.example.org/v1"


def test_pages_may_talk_to_the_objects_origin_and_know_it(settings: Any, db: None) -> None:
    settings.PITHOS_LISTEN = "127.0.0.1:8082"
    answer = Client().get("/ui/login/")
    assert "connect-src 'self' http://testserver:8082" in answer["Content-Security-Policy"]
    assert web_objects.context(answer.wsgi_request)["pithos_origin"]() == "http://testserver:8082"


@pytest.fixture
def pages_only(settings: Any) -> Iterator[Client]:
    settings.SYNNEFO_WEB_SERVES = ["pages"]
    settings.PITHOS_LISTEN = "127.0.0.1:8082"
    yield _mapped_anew()
    settings.SYNNEFO_WEB_SERVES = ["pages", "objects"]
    _mapped_anew()


@pytest.fixture
def objects_only(settings: Any) -> Iterator[Client]:
    settings.SYNNEFO_WEB_SERVES = ["objects"]
    yield _mapped_anew()
    settings.SYNNEFO_WEB_SERVES = ["pages", "objects"]
    _mapped_anew()


def _mapped_anew() -> Client:
    importlib.reload(urls)
    clear_url_caches()
    return Client(enforce_csrf_checks=True)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "COPY"])
def test_processes_of_pages_send_everybody_on(pages_only: Client, method: str) -> None:
    answer = pages_only.generic(method, f"{PATH}?format=json", b"content", content_type="text/plain")
    assert (answer.status_code, answer["Location"]) == (307, f"http://testserver:8082{PATH}?format=json")


@pytest.mark.parametrize("path", ["/pithos/public/abc", "/pithos/ui/view/someone/c/o"])
def test_browsers_are_sent_on_to_links_and_views(pages_only: Client, path: str) -> None:
    answer = pages_only.get(path)
    assert (answer.status_code, answer["Location"]) == (307, f"http://testserver:8082{path}")


@pytest.mark.parametrize("group", ["pages_only", "objects_only"])
def test_both_groups_answer_for_astakos_below_the_stores_prefix(
    group: str, request: pytest.FixtureRequest, people: People
) -> None:
    browser = request.getfixturevalue(group)
    wanted = {"auth": {"token": {"id": people.alice.token}}}
    answer = browser.post("/pithos/_astakos/identity/tokens", wanted, content_type="application/json")
    assert answer.json()["access"]["user"]["id"] == people.alice.user.uuid


@pytest.mark.parametrize(
    ("serves", "services", "public", "expected"),
    [
        (["pages", "objects"], ["astakos", "pithos"], "", "http://here:8082/astakos"),
        (["objects"], ["astakos", "pithos"], "", "http://here:8080/astakos"),
        (["objects"], ["astakos", "pithos"], "https://a.example.org/", "https://a.example.org/astakos"),
        (["objects"], ["pithos"], "https://a.example.org", "https://far.example.org/accounts"),
    ],
)
def test_browsers_find_astakos_from_everywhere(
    settings: Any, serves: list[str], services: list[str], public: str, expected: str
) -> None:
    settings.SYNNEFO_WEB_SERVES, settings.SYNNEFO_SERVICES = serves, services
    settings.SYNNEFO_PUBLIC_URL, settings.SYNNEFO_LISTEN = public, "0.0.0.0:8080"
    settings.ASTAKOS_SEAM_URL = "https://far.example.org/accounts/account/v1.0/"
    assert accounts_url(RequestFactory().get("/", HTTP_HOST="here:8082")) == expected


def test_nobody_is_sent_in_a_circle(pages_only: Client, settings: Any) -> None:
    settings.SYNNEFO_PUBLIC_URL = "https://cloud.example.org"
    answer = pages_only.get(PATH)
    assert (answer.status_code, list(answer.json())) == (503, ["serviceUnavailable"])


def test_processes_of_objects_have_no_pages(objects_only: Client) -> None:
    for path in ("/", "/ui/login/", "/astakos/identity/v3", "/metrics", "/admin/"):
        answer = objects_only.get(path, headers={"Accept": "text/html"})
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/json"), path
    assert objects_only.get("/healthz").status_code == 200
    assert objects_only.get(PATH).status_code == 401


def test_scripts_of_any_site_may_use_objects_without_cookies(db: None) -> None:
    asked = {"Origin": "https://app.example.org", "Access-Control-Request-Method": "PUT"}
    answer = Client().options(PATH, headers={**asked, "Access-Control-Request-Headers": "x-object-meta-a"})
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer
    assert answer["Access-Control-Allow-Headers"] == "*"
    assert {"PUT", "COPY", "MOVE"} <= set(answer["Access-Control-Allow-Methods"].split(", "))
    refused = Client().get(PATH, headers={"Origin": "https://app.example.org"})
    assert (refused.status_code, refused["Access-Control-Expose-Headers"]) == (401, "*")


def test_scripts_of_other_sites_may_use_nothing_else(db: None) -> None:
    for path in ("/ui/login/", "/astakos/identity/v3", "/pithos/object-storeroom"):
        answer = Client().get(path, headers={"Origin": "https://app.example.org"})
        assert "Access-Control-Allow-Origin" not in answer, path
