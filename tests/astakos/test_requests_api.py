"""Requests for more quota at the HTTP edge: every route for every role, shapes, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.accounts import access, tokens
from synnefo.astakos.catalog.rules import find_component, renew_service_token
from synnefo.astakos.projects.models import Project
from synnefo.common.caller import system_caller
from synnefo.common.units import INFINITE
from tests.astakos.conftest import Person

pytestmark = pytest.mark.django_db

REQUESTS = "/astakos/account/v1.0/requests"
VM = "cyclades.vm"
SYSTEM = system_caller("test")


@pytest.fixture
def project(ada: Person, bob: Person, lab: Callable[..., Project]) -> Project:
    """Ada's, with Bob: three a member, ten in all."""
    return lab(ada, bob)


def call(http: Client, token: str, method: str, path: str = "", body: Any = None, **query: str) -> Any:
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    return http.generic(
        method, REQUESTS + path, text, content_type="application/json", query_params=query,
        headers={"X-Auth-Token": token} if token else {},
    )  # fmt: skip


def wish(project: str, kind: str = "share", **more: Any) -> dict[str, Any]:
    return {"project": project, "kind": kind, "resources": {VM: 5}, "reason": "more guests", **more}


def asked(http: Client, who: Person, project: Project) -> str:
    answer = call(http, who.token, "POST", body=wish(project.uuid))
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def test_the_life_of_a_request(http: Client, ada: Person, bob: Person, project: Project) -> None:
    uuid = asked(http, bob, project)
    waiting = call(http, ada.token, "GET", mode="queue").json()
    assert [(one["id"], one["may_answer"], one["user"]) for one in waiting] == [(uuid, True, bob.uuid)]
    approval = {"approve": {"resources": {VM: 4}, "answer": "four for now"}}
    assert call(http, ada.token, "POST", f"/{uuid}/action", approval).status_code == 200
    found = call(http, bob.token, "GET", f"/{uuid}").json()
    assert found["resources"] == {VM: {"limit": 3, "usage": 0, "wanted": 5, "granted": 4}}
    assert (found["state"], found["answer"], found["reviewer"]) == ("approved", "four for now", ada.uuid)
    assert [(step["state"], step["actor"], step["reason"]) for step in found["history"]] == [
        ("pending", bob.uuid, "more guests"),
        ("approved", ada.uuid, "four for now"),
    ]
    quotas = http.get("/astakos/account/v1.0/quotas?detail=true", headers={"X-Auth-Token": bob.token}).json()
    share = quotas[project.uuid][VM]
    assert (share["limit"], share["effective_limit"], share["binds"], share["level"]) == (4, 4, "share", 0)


def test_lists_are_narrowed(http: Client, ada: Person, bob: Person, root: Person, project: Project) -> None:
    uuid = asked(http, bob, project)
    call(http, ada.token, "POST", body=wish(project.uuid, "pool", resources={VM: 50}))

    def ids(who: Person, **query: str) -> int:
        return len(call(http, who.token, "GET", **query).json())

    assert [ids(who) for who in (ada, bob, root)] == [2, 1, 2]
    assert [ids(who, mode="own") for who in (ada, bob, root)] == [1, 1, 0]
    assert [ids(who, mode="queue") for who in (ada, bob, root)] == [1, 0, 2]
    call(http, bob.token, "POST", f"/{uuid}/action", {"cancel": {}})
    assert ids(ada, mode="answerable", state="cancelled", project=project.uuid) == 1
    assert ids(ada, mode="queue") == 0
    for query in ({"mode": "some"}, {"state": "open"}):
        assert call(http, ada.token, "GET", **query).status_code == 400


def test_every_route_for_every_role(
    http: Client, ada: Person, bob: Person, root: Person, person: Callable[..., Person], project: Project
) -> None:
    """Statuses for: nobody, a service, a stranger, the member who asks, the owner, an administrator."""
    who = {
        "nobody": "",
        "service": renew_service_token(SYSTEM, find_component("cyclades")),
        "stranger": person("eve").token,
        "member": bob.token,
        "owner": ada.token,
        "admin": root.token,
    }
    uuid, pool, share = asked(http, bob, project), wish(project.uuid, "pool"), wish(project.uuid)

    def ask(body: Any) -> Callable[[str], Any]:
        return lambda token: call(http, token, "POST", body=body)

    def act(body: Any) -> Callable[[str], Any]:
        return lambda token: call(http, token, "POST", f"/{uuid}/action", body)

    def read(path: str, **query: str) -> Callable[[str], Any]:
        return lambda token: call(http, token, "GET", path, **query)

    routes: dict[str, tuple[Callable[[str], Any], tuple[int, ...]]] = {
        "list": (read(""), (401, 401, 200, 200, 200, 200)),
        "ask for a share": (ask(share), (401, 401, 403, 409, 403, 403)),
        "ask for the pool": (ask(pool), (401, 401, 403, 403, 400, 403)),
        "limits": (read("/limits", project=project.uuid, kind="share"), (401, 401, 403, 200, 403, 403)),
        "show": (read(f"/{uuid}"), (401, 401, 404, 200, 200, 200)),
        "approve": (act({"approve": {"resources": {}}}), (401, 401, 404, 403, 400, 400)),
        "dismiss": (act({"dismiss": {}}), (401, 401, 404, 409, 404, 404)),
    }
    found = {
        name: tuple(way(token).status_code for token in who.values()) for name, (way, _) in routes.items()
    }
    assert found == {name: expected for name, (_, expected) in routes.items()}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "some"}, {"kind": None}, {"reason": ""}, {"reason": "x" * 5000}, {"reason": "a\x00b"},
        {"resources": {}}, {"resources": {VM: 3}}, {"resources": {VM: True}}, {"resources": {VM: "5"}},
        {"resources": {VM: -1}}, {"resources": {VM: INFINITE + 1}}, {"resources": {"nothing": 5}},
        {"resources": [VM]}, {"project": 5},
    ],
)  # fmt: skip
def test_wishes_that_are_none(http: Client, bob: Person, project: Project, change: dict[str, Any]) -> None:
    assert call(http, bob.token, "POST", body=wish(project.uuid) | change).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        "no json", [], {}, {"approve": {}, "deny": {}}, {"grant": {}}, {"approve": []},
        {"deny": {"answer": " "}},
        {"approve": {"resources": {VM: 2}}}, {"approve": {"more": 1}}, {"approve": {"resources": {"x": 9}}},
        {"deny": {"answer": 5}},
    ],
)  # fmt: skip
def test_actions_that_are_none(http: Client, ada: Person, bob: Person, project: Project, body: Any) -> None:
    uuid = asked(http, bob, project)
    assert call(http, ada.token, "POST", f"/{uuid}/action", body).status_code == 400


def test_an_unknown_request_or_project_is_not_found(http: Client, bob: Person, project: Project) -> None:
    assert call(http, bob.token, "GET", "/nonsense").status_code == 404
    assert call(http, bob.token, "POST", body=wish("nonsense")).status_code == 404
    Project.objects.filter(pk=project.pk).update(private=True, owner=None)
    project.memberships.all().delete()
    assert call(http, bob.token, "POST", body=wish(project.uuid)).status_code == 404


def test_a_token_that_reads_only_asks_for_nothing(http: Client, bob: Person, project: Project) -> None:
    token, _ = tokens.create_api_token(SYSTEM, bob.user, "watch", read_only=True)
    assert call(http, token, "GET").status_code == 200
    assert call(http, token, "POST", body=wish(project.uuid)).status_code == 403


def test_a_token_that_is_confined_to_a_project_sees_nothing_of_others(
    http: Client, bob: Person, project: Project
) -> None:
    made = access.create(SYSTEM, bob.user, "one project", project=bob.uuid, lifetime=access.DAY).token
    asked(http, bob, project)
    assert call(http, made, "GET").json() == []
    assert call(http, made, "POST", body=wish(project.uuid)).status_code == 404
    usage = http.get("/astakos/account/v1.0/usage", {"project": project.uuid}, headers={"X-Auth-Token": made})
    assert usage.status_code == 404


def test_a_list_costs_the_same_number_of_queries_whatever_it_shows(
    http: Client, ada: Person, root: Person, person: Callable[..., Person], lab: Callable[..., Project],
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    people = [person(f"p{number}") for number in range(6)]
    project = lab(ada, *people)
    for one in people:
        asked(http, one, project)
    with django_assert_max_num_queries(7):
        assert len(call(http, root.token, "GET").json()) == 6
