"""The account API v1.0: quota for users and services, commissions, names (spec: astakos 1.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.accounts import rules, tokens
from synnefo.astakos.catalog.rules import find_component, renew_service_token
from synnefo.astakos.models import Component
from synnefo.astakos.projects import rules as projects
from synnefo.common.caller import system_caller
from synnefo.common.units import INFINITE
from tests.astakos.conftest import Person

ACCOUNT = "/astakos/account/v1.0"
SYSTEM = system_caller("test")
pytestmark = pytest.mark.django_db


@pytest.fixture
def service(cloud: None) -> str:
    return renew_service_token(SYSTEM, find_component("cyclades"))


def get(http: Client, path: str, token: str = "") -> Any:
    return http.get(f"{ACCOUNT}/{path}", headers={"X-Auth-Token": token} if token else {})


def post(http: Client, path: str, body: Any, token: str = "", **options: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"X-Auth-Token": token} if token else {}
    return http.post(
        f"{ACCOUNT}/{path}", text, headers=headers, **{"content_type": "application/json", **options}
    )


def provisions(who: Person, quantity: Any, resource: str = "cyclades.vm") -> list[dict[str, Any]]:
    return [
        {
            "holder": f"user:{who.uuid}",
            "source": f"project:{who.uuid}",
            "resource": resource,
            "quantity": quantity,
        },
        {"holder": f"project:{who.uuid}", "source": None, "resource": resource, "quantity": quantity},
    ]


def issue(http: Client, token: str, who: Person, quantity: Any, **more: Any) -> Any:
    return post(http, "commissions", {"provisions": provisions(who, quantity), **more}, token)


def test_resources_are_public_and_hide_the_hidden(http: Client, cloud: None) -> None:
    response = get(http, "resources")
    assert response["Cache-Control"] == "no-cache, no-store, must-revalidate, max-age=0"
    assert response["Vary"].startswith("X-Auth-Token")
    found = response.json()
    assert set(found) == {
        "cyclades.vm",
        "cyclades.cpu",
        "cyclades.ram",
        "cyclades.disk",
        "cyclades.network.private",
        "cyclades.floating_ip",
        "pithos.diskspace",
    }
    assert found["cyclades.ram"]["unit"] == "bytes"
    assert found["cyclades.vm"]["service"] == "cyclades_compute"
    assert found["cyclades.vm"]["unit"] is None


def test_a_user_sees_his_own_quota_only(http: Client, ada: Person, bob: Person, service: str) -> None:
    projects.set_limits(SYSTEM, projects.get(ada.uuid), {"cyclades.vm": (4, 10)})
    assert issue(http, service, ada, 2).status_code == 201
    found = get(http, "quotas", ada.token).json()
    assert set(found) == {ada.uuid}
    assert found[ada.uuid]["cyclades.vm"] == {
        "limit": 4,
        "usage": 2,
        "pending": 2,
        "project_limit": 10,
        "project_usage": 2,
        "project_pending": 2,
    }
    assert found[ada.uuid]["cyclades.cpu"]["limit"] == INFINITE
    assert "cyclades.total_cpu" not in found[ada.uuid]


def test_a_service_sees_the_quota_of_what_it_offers(
    http: Client, ada: Person, bob: Person, service: str
) -> None:
    everybody = get(http, "service_quotas", service).json()
    assert set(everybody) == {ada.uuid, bob.uuid}
    assert "cyclades.total_cpu" in everybody[ada.uuid][ada.uuid]
    assert "astakos.pending_app" not in everybody[ada.uuid][ada.uuid]
    both = get(http, f"service_quotas?user={ada.uuid},{bob.uuid}&project={bob.uuid}", service).json()
    assert set(both) == {bob.uuid}
    pools = get(http, f"service_project_quotas?project={ada.uuid}", service).json()
    assert pools[ada.uuid]["cyclades.vm"] == {
        "project_limit": INFINITE,
        "project_usage": 0,
        "project_pending": 0,
    }
    assert set(get(http, "service_project_quotas", service).json()) == {ada.uuid, bob.uuid}
    missing = get(http, "service_quotas?user=nobody", service)
    assert missing.status_code == 404
    assert missing.json()["itemNotFound"]["message"] == "No user with UUID 'nobody'"
    assert get(http, "service_project_quotas?project=%00", service).status_code == 404


def test_the_quota_of_an_inactive_user_is_zero_with_its_usage(
    http: Client, ada: Person, service: str
) -> None:
    issue(http, service, ada, 2, auto_accept=True)
    rules.deactivate(SYSTEM, ada.user)
    found = get(http, f"service_quotas?user={ada.uuid}", service).json()[ada.uuid][ada.uuid]["cyclades.vm"]
    assert (found["limit"], found["usage"], found["project_limit"]) == (0, 2, 0)
    rules.activate(SYSTEM, ada.user)
    found = get(http, f"service_quotas?user={ada.uuid}", service).json()[ada.uuid][ada.uuid]["cyclades.vm"]
    assert (found["limit"], found["project_limit"]) == (INFINITE, INFINITE)


def test_the_life_of_a_commission(http: Client, ada: Person, service: str) -> None:
    created = issue(http, service, ada, 2, name="two machines")
    assert created.status_code == 201
    serial = created.json()["serial"]
    assert get(http, "commissions", service).json() == [serial]
    shown = get(http, f"commissions/{serial}", service).json()
    assert shown["name"] == "two machines"
    assert shown["provisions"] == provisions(ada, 2)
    assert post(http, f"commissions/{serial}/action", {}, service).status_code == 400
    assert (
        post(http, f"commissions/{serial}/action", {"accept": "", "reject": ""}, service).status_code == 400
    )
    accepted = post(http, f"commissions/{serial}/action", {"accept": ""}, service)
    assert (accepted.status_code, accepted.content) == (200, b"")
    again = post(http, f"commissions/{serial}/action", {"reject": ""}, service)
    assert (again.status_code, again.content) == (404, b"")
    gone = get(http, f"commissions/{serial}", service)
    assert (gone.status_code, gone.content) == (404, b"")
    assert get(http, "commissions", service).json() == []


def test_many_commissions_are_settled_at_once(http: Client, ada: Person, service: str) -> None:
    first, second, third = (issue(http, service, ada, 1).json()["serial"] for _ in range(3))
    body = {"accept": [first, third, 999], "reject": [second, third]}
    assert post(http, "commissions/action", body, service).json() == {
        "accepted": [first],
        "rejected": [second],
        "failed": [
            [
                third,
                {"badRequest": {"code": 400, "message": f"cannot both accept and reject serial {third}"}},
            ],
            [999, {"itemNotFound": {"code": 404, "message": "serial 999 does not exist"}}],
        ],
    }
    assert get(http, "commissions", service).json() == [third]


def test_refusals_carry_their_data(http: Client, ada: Person, service: str) -> None:
    projects.set_limits(SYSTEM, projects.get(ada.uuid), {"cyclades.vm": (1, 1)})
    over = issue(http, service, ada, 2)
    assert over.status_code == 413
    fault = over.json()["overLimit"]
    assert fault["data"] == {
        "name": "NoCapacityError",
        "provision": provisions(ada, 2)[0],
        "limit": 1,
        "usage": 0,
    }
    assert "details" not in fault
    under = issue(http, service, ada, -1).json()["overLimit"]["data"]
    assert (under["name"], under["limit"], under["usage"]) == ("NoQuantityError", 0, 0)
    unknown = post(http, "commissions", {"provisions": provisions(ada, 1, "no.such")}, service)
    assert unknown.status_code == 404
    assert unknown.json()["itemNotFound"]["data"]["name"] == "NoHoldingError"
    assert issue(http, service, ada, 2, force=True).status_code == 201


def test_components_do_not_see_each_others_commissions(http: Client, ada: Person, service: str) -> None:
    other = renew_service_token(SYSTEM, Component.objects.create(name="other"))
    serial = issue(http, service, ada, 1).json()["serial"]
    assert get(http, "commissions", other).json() == []
    assert get(http, f"commissions/{serial}", other).status_code == 404
    assert post(http, f"commissions/{serial}/action", {"accept": ""}, other).status_code == 404
    assert get(http, "commissions", service).json() == [serial]


@pytest.mark.parametrize(
    "change",
    [
        {"provisions": None},
        {"provisions": "x"},
        {"provisions": [{}]},
        {"provisions": [{"holder": "user:x", "source": None, "resource": "cyclades.vm"}]},
        {"provisions": [{"holder": "user:x", "source": None, "resource": "cyclades.vm", "quantity": "1"}]},
        {"provisions": [{"holder": "user:x", "source": None, "resource": "cyclades.vm", "quantity": True}]},
        {"provisions": [{"holder": "user:x", "source": None, "resource": "cyclades.vm", "quantity": 2**63}]},
        {"provisions": [{"holder": "\x00", "source": None, "resource": "cyclades.vm", "quantity": 1}]},
        {"provisions": [{"holder": 5, "source": None, "resource": "cyclades.vm", "quantity": 1}]},
        {"force": "yes"},
        {"auto_accept": 1},
        {"name": None},
        {"name": ["x"]},
    ],
)
def test_malformed_commissions_are_bad_requests(
    http: Client, ada: Person, service: str, change: dict[str, Any]
) -> None:
    response = post(http, "commissions", {"provisions": provisions(ada, 1), **change}, service)
    assert response.status_code == 400
    assert response.json()["badRequest"]["details"] == ""
    assert get(http, "commissions", service).json() == []


def test_other_bad_bodies(http: Client, ada: Person, service: str) -> None:
    assert post(http, "commissions", "not json", service).status_code == 400
    assert post(http, "commissions", "[]", service).status_code == 400
    assert post(http, "commissions", "[" * 100_000, service).status_code == 400
    assert post(http, "commissions", {}, service, content_type="text/plain").status_code == 400
    assert post(http, "commissions/action", {"accept": ["1"]}, service).status_code == 400
    assert post(http, "commissions/action", {"accept": [True]}, service).status_code == 400
    assert post(http, f"commissions/{'9' * 40}/action", {"accept": ""}, service).status_code == 404
    assert post(http, "commissions", "x" * (2 * 1024 * 1024), service).status_code == 413
    assert get(http, "commissions?issued_before=yesterday", service).status_code == 400
    assert get(http, "commissions?issued_before=2026-99-01T00:00:00", service).status_code == 400


def test_names_and_uuids(http: Client, ada: Person, bob: Person) -> None:
    body = {"uuids": [ada.uuid, "unknown"], "displaynames": ["BOB@example.org", "nobody@example.org", "\x00"]}
    assert post(http, "user_catalogs", body, ada.token, content_type="text/plain").json() == {
        "uuid_catalog": {ada.uuid: "ada@example.org"},
        "displayname_catalog": {"BOB@example.org": bob.uuid},
    }
    assert post(http, "user_catalogs", {}, ada.token).json() == {
        "uuid_catalog": {},
        "displayname_catalog": {},
    }
    for wrong in ({"uuids": None}, {"displaynames": None}, {"uuids": "x"}, {"displaynames": [1]}, "x"):
        assert post(http, "user_catalogs", wrong, ada.token).status_code == 400


def test_a_service_may_ask_for_everybody(http: Client, ada: Person, bob: Person, service: str) -> None:
    found = post(http, "service/user_catalogs", {"uuids": None}, service).json()["uuid_catalog"]
    assert found == {ada.uuid: "ada@example.org", bob.uuid: "bob@example.org"}
    assert post(http, "service/user_catalogs", {"displaynames": None}, service).status_code == 400


def test_all_users_come_in_pages_to_who_asks_for_pages(
    http: Client, service: str, ada: Person, bob: Person
) -> None:
    seen: dict[str, str] = {}
    marker: str | None = None
    for _ in range(3):
        wish = {"uuids": None, "limit": 1, **({"marker": marker} if marker else {})}
        found = post(http, "service/user_catalogs", wish, service).json()["uuid_catalog"]
        seen |= found
        marker = max(found, default="")
    assert seen == {ada.uuid: "ada@example.org", bob.uuid: "bob@example.org"}
    for wrong in (0, -1, "1", True):
        wish = {"uuids": None, "limit": wrong}
        assert post(http, "service/user_catalogs", wish, service).status_code == 400


def test_trying_addresses_is_slow(http: Client, ada: Person, bob: Person) -> None:
    def status(name: str, token: str) -> int:
        return int(post(http, "user_catalogs", {"displaynames": [name]}, token).status_code)

    assert [status(f"x{number}@example.org", ada.token) for number in range(6)] == [*[200] * 5, 429]
    assert status("bob@example.org", ada.token) == 429
    assert [status("ada@example.org", bob.token) for _ in range(8)] == [200] * 8


USER_ROUTES = [("GET", "quotas"), ("POST", "user_catalogs")]
SERVICE_ROUTES = [
    ("GET", "service_quotas"),
    ("GET", "service_project_quotas"),
    ("GET", "commissions"),
    ("POST", "commissions"),
    ("GET", "commissions/1"),
    ("POST", "commissions/1/action"),
    ("POST", "commissions/action"),
    ("POST", "service/user_catalogs"),
    ("POST", "service/identities"),
    ("POST", "service/names"),
]


@pytest.mark.parametrize(("method", "path"), USER_ROUTES + SERVICE_ROUTES)
def test_every_route_wants_its_kind_of_token(
    http: Client, ada: Person, root: Person, service: str, method: str, path: str
) -> None:
    wrong = {"", "unknown"} | ({service} if (method, path) in USER_ROUTES else {ada.token, root.token})
    for token in wrong:
        response = get(http, path, token) if method == "GET" else post(http, path, {}, token)
        assert response.status_code == 401, token
        assert response.json()["unauthorized"]["code"] == 401


def test_a_service_token_ends_when_it_is_renewed_or_expires(http: Client, service: str) -> None:
    assert get(http, "commissions", service).status_code == 200
    Component.objects.update(token_expires="2001-01-01T00:00:00Z")
    assert get(http, "commissions", service).status_code == 401
    renewed = renew_service_token(SYSTEM, find_component("cyclades"))
    assert get(http, "commissions", renewed).status_code == 200
    assert get(http, "commissions", service).status_code == 401


def test_a_component_that_is_renamed_keeps_its_commissions(http: Client, ada: Person, service: str) -> None:
    serial = issue(http, service, ada, 1).json()["serial"]
    Component.objects.filter(name="cyclades").update(name="compute")
    assert get(http, "commissions", service).json() == [serial]
    assert post(http, f"commissions/{serial}/action", {"accept": ""}, service).status_code == 200


def test_a_read_only_token_reads_quota(http: Client, ada: Person) -> None:
    token, _ = tokens.create_api_token(SYSTEM, ada.user, "watch", read_only=True)
    assert get(http, "quotas", token).status_code == 200
    assert post(http, "user_catalogs", {}, token).status_code == 200
    assert post(http, "requests", {}, token).status_code == 403


def test_unknown_paths_and_methods(http: Client, cloud: None) -> None:
    unknown = get(http, "nothing")
    assert (unknown.status_code, unknown.json()["badRequest"]["message"]) == (400, "API endpoint not found")
    assert http.get("/astakos/account/").status_code == 400
    wrong = http.delete(f"{ACCOUNT}/commissions")
    assert (wrong.status_code, wrong["Allow"]) == (405, "GET, POST")
    assert wrong.json()["notAllowed"]["code"] == 405
