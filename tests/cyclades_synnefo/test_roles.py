"""Every route for a stranger, its owner, somebody else, and a member of a common project."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from synnefo.astakos.accounts import tokens
from synnefo.astakos.projects import rules as projects
from synnefo.cyclades.synnefo_api.urls import urlpatterns
from tests.conftest import Person
from tests.cyclades_synnefo.conftest import Api, World
from tests.cyclades_synnefo.routes import CASES, Case, filled
from tests.docs.test_routes_documented import NOT_ROUTES, walk

READING = [case for case in CASES if case.method in ("GET", "HEAD")]
CHANGING = [case for case in CASES if case.method not in ("GET", "HEAD")]
Picture = Callable[[], dict[str, Any]]


def test_every_route_has_a_case() -> None:
    patterns = [entry for entry in urlpatterns if not NOT_ROUTES.search(str(entry.pattern))]
    served = {f"{method} {path.strip('/')}" for method, path in walk(patterns)}
    assert sorted(served) == sorted(case.name for case in CASES)


def check(case: Case, world: World, picture: Picture) -> None:
    """Strangers first, the owner last; whoever is refused changes nothing. Administrators are others."""

    def call(api: Api) -> Any:
        return api(case.method, world.path(case.path), filled(case.body, world.ids))

    before = picture()
    for stranger in (Api(), Api("x" * 43)):
        assert call(stranger).status_code == (case.member if case.public else 401), case.name
    assert picture() == before, f"{case.name}: a stranger changed something"
    refused = call(world.bob)
    assert refused.status_code == case.other, (case.name, refused.content)
    if case.other >= 400 or case in READING:
        assert picture() == before, f"{case.name}: somebody else changed something"
    if case.other >= 400:
        root = call(Api(world.people.admin.token))
        assert root.status_code == (case.admin or case.other), (case.name, root.content)
        assert picture() == before, f"{case.name}: an administrator changed what is somebody's own"
    allowed = call(world.alice)
    assert allowed.status_code == case.member, (case.name, allowed.content)
    assert allowed["Vary"].startswith("X-Auth-Token")
    assert "no-store" in allowed["Cache-Control"]


def test_who_may_read_what(world: World, picture: Picture) -> None:
    for case in READING:
        check(case, world, picture)


@pytest.mark.parametrize("case", CHANGING, ids=lambda case: case.name)
def test_who_may_change_what(case: Case, world: World, picture: Picture) -> None:
    check(case, world, picture)


def test_what_others_have_is_in_no_list(world: World) -> None:
    for path, collection in (
        ("compute/v2.0/servers", "servers"),
        ("network/v2.0/ports", "ports"),
        ("network/v2.0/floatingips", "floatingips"),
        ("compute/v2.0/os-floating-ips", "floating_ips"),
        ("compute/v2.0/os-keypairs", "keypairs"),
    ):
        assert world.bob.get(path)[collection] == []
        assert world.alice.get(path)[collection] != []
    assert [row["name"] for row in world.bob.get("network/v2.0/networks")["networks"]] == ["public"]
    assert [row["name"] for row in world.bob.get("image/v1/images")["images"]] == ["tiny"]


def test_what_is_shared_to_a_project_is_its_members(
    world: World, mate_of: Callable[[Person], tuple[Person, str]], settle: Callable[[], None]
) -> None:
    person, project = mate_of(world.people.alice)
    mate = Api(person.token)
    assert mate.get("compute/v2.0/servers")["servers"] == []
    body = {"network": {"type": "MAC_FILTERED", "project": project, "shared_to_project": True}}
    network = world.alice.json("POST", "network/v2.0/networks", body, status=201)["network"]
    assert (network["tenant_id"], network["shared_to_project"]) == (project, True)
    wanted = {"name": "common", "imageRef": world.ids["image"], "flavorRef": world.ids["flavor"]}
    body = {"server": {**wanted, "project": project, "shared_to_project": True, "networks": []}}
    made = world.alice.json("POST", "compute/v2.0/servers", body, status=202)["server"]["id"]
    settle()
    assert [row["id"] for row in mate.get("compute/v2.0/servers")["servers"]] == [made]
    assert mate.get(f"network/v2.0/networks/{network['id']}")["network"]["user_id"] != person.user.uuid
    mate.json("POST", f"compute/v2.0/servers/{made}/action", {"shutdown": {}}, status=202)
    world.bob.get(f"compute/v2.0/servers/{made}", status=404)


@pytest.mark.parametrize("shared", [False, True])
def test_nothing_is_made_in_a_project_of_others(world: World, shared: bool, picture: Picture) -> None:
    project, before = world.people.bob.user.uuid, picture()
    more = {"project": project, "shared_to_project": shared}
    server = {"name": "x", "imageRef": world.ids["image"], "flavorRef": world.ids["flavor"], "networks": []}
    for path, body in (
        ("compute/v2.0/servers", {"server": {**server, **more}}),
        ("network/v2.0/networks", {"network": {"type": "MAC_FILTERED", **more}}),
        ("network/v2.0/floatingips", {"floatingip": more}),
    ):
        fault = world.alice.json("POST", path, body, status=400)["badRequest"]
        assert fault["message"].endswith(f"not in project {project}")
    assert picture() == before


def test_a_token_may_stand_in_the_query(world: World) -> None:
    path = f"compute/v2.0/servers/{world.ids['server']}?X-Auth-Token="
    Api().get(path + str(world.alice.token))
    Api().get(path + "x" * 43, status=401)
    Api().get(path, status=401)


def test_an_expired_token_is_refused(world: World) -> None:
    past = timezone.now() - datetime.timedelta(seconds=1)
    token = tokens.issue(world.people.alice.user, kind="login", expires=past)
    assert "expired" in Api(token).get("compute/v2.0/servers", status=401)["fault"]["details"]


def test_a_read_only_token_changes_nothing(world: World, picture: Picture) -> None:
    expires, project = (
        timezone.now() + datetime.timedelta(hours=1),
        projects.get(world.people.alice.user.uuid),
    )
    reader = Api(
        tokens.issue(world.people.alice.user, kind="login", project=project, read_only=True, expires=expires)
    )
    before = picture()
    for case in CASES:
        expected = case.member if case in READING else 403
        answer = reader(case.method, world.path(case.path), filled(case.body, world.ids))
        assert answer.status_code == expected, (case.name, answer.content)
    assert picture() == before
