"""Every route for a stranger, a member, a member of another project and an administrator."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone
from ninja import NinjaAPI

from synnefo.astakos.accounts import tokens
from synnefo.astakos.projects import rules as projects
from synnefo.cyclades.openstack import compute, image, network
from tests.conftest import People
from tests.cyclades_api.conftest import Api, World
from tests.cyclades_api.routes import CASES, Case, filled

READING = [case for case in CASES if case.method == "GET"]
CHANGING = [case for case in CASES if case.method != "GET"]
#: What only administrators and members change.
OVER_ALL = [case for case in CHANGING if case.admin is None and case.for_admin != case.other]
Picture = Callable[[], dict[str, Any]]


def served(api: NinjaAPI) -> Iterator[str]:
    """The routes of an API, as cases name them."""
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                for method in operation.methods:
                    route = f"/{prefix.strip('/')}{path}" if prefix else path
                    yield f"{api.urls_namespace} {method} {route}"


def test_every_route_has_a_case() -> None:
    routes = [route for api in (compute.api, network.api, image.api) for route in served(api)]
    assert sorted(routes) == sorted(case.name for case in CASES)


def check(case: Case, world: World, picture: Picture) -> None:
    """Strangers first, the owner last; whoever is refused changes nothing."""

    def call(api: Api) -> Any:
        return api.speaking(case.microversion)(
            case.method, world.path(case.path), filled(case.body, world.ids)
        )

    before = picture()
    assert call(Api()).status_code == (case.member if case.public else 401), case.name
    assert call(Api("x" * 43)).status_code == (case.member if case.public else 401), case.name
    assert picture() == before, f"{case.name}: a stranger changed something"

    refused = call(world.bob)
    assert refused.status_code == case.other, (case.name, refused.content)
    if case.other >= 400 or case.method == "GET":
        assert picture() == before, f"{case.name}: a member of another project changed something"
    if case not in OVER_ALL:
        assert call(world.admin).status_code == case.for_admin, case.name

    allowed = call(world.alice)
    assert allowed.status_code == case.member, (case.name, allowed.content)


@pytest.mark.parametrize("api", ["compute", "network", "image"])
def test_who_may_read_what(api: str, world: World, picture: Picture) -> None:
    for case in READING:
        if case.api == api:
            check(case, world, picture)


@pytest.mark.parametrize("case", CHANGING, ids=lambda case: case.name)
def test_who_may_change_what(case: Case, world: World, picture: Picture) -> None:
    check(case, world, picture)


@pytest.mark.parametrize("case", OVER_ALL, ids=lambda case: case.name)
def test_what_an_administrator_changes_in_any_project(case: Case, world: World) -> None:
    answer = world.admin(case.method, world.path(case.path), filled(case.body, world.ids))
    assert answer.status_code == case.for_admin, (case.name, answer.content)


def test_what_others_have_is_in_no_list(world: World) -> None:
    lists = [case for case in READING if "{" not in case.route]
    names = ("server", "network", "subnet", "port", "floating", "spare_network")
    private = {world.ids[name] for name in names}
    for case in lists:
        for reader in (world.bob, world.admin):
            text = reader.speaking(case.microversion).get(case.path).content.decode()
            assert not {uuid for uuid in private if uuid in text}, case.name


def test_things_of_a_common_project_are_seen_by_its_members(
    cloud: People, mate_of: Callable[..., Any], order: dict[str, Any], settle: Callable[[], None]
) -> None:
    alice, mate = (Api(person.token) for person in mate_of(cloud.alice))
    assert alice.json("GET", "compute/v2.1/servers")["servers"] == []
    network = alice.json("POST", "network/v2.0/networks", {"network": {"name": "common"}})["network"]
    subnet = {"network_id": network["id"], "cidr": "10.0.0.0/24"}
    alice.json("POST", "network/v2.0/subnets", {"subnet": subnet})
    order["server"] |= {"networks": [{"uuid": network["id"]}]}
    made = alice.json("POST", "compute/v2.1/servers", order)["server"]["id"]
    settle()
    assert [row["id"] for row in mate.json("GET", "compute/v2.1/servers")["servers"]] == [made]
    assert mate("POST", f"compute/v2.1/servers/{made}/action", {"os-stop": None}).status_code == 202
    assert Api(cloud.alice.token)("GET", f"compute/v2.1/servers/{made}").status_code == 404
    assert Api(cloud.bob.token)("GET", f"compute/v2.1/servers/{made}").status_code == 404


def test_a_token_without_a_project_is_refused(cloud: Any) -> None:
    expires = timezone.now() + datetime.timedelta(hours=1)
    token = tokens.issue(cloud.alice.user, kind="login", expires=expires)
    assert Api(token).get("compute/v2.1/servers").status_code == 401


@pytest.mark.parametrize("path", ["compute/v2.1/servers", "network/v2.0/networks", "image/v2/images"])
def test_an_expired_token_is_refused(cloud: Any, path: str) -> None:
    past = timezone.now() - datetime.timedelta(seconds=1)
    project = projects.get(cloud.alice.user.uuid)
    token = tokens.issue(cloud.alice.user, kind="login", project=project, expires=past)
    answer = Api(token).get(path)
    assert answer.status_code == 401
    assert "expired" in answer.content.decode()


def test_a_read_only_token_changes_nothing(world: World, picture: Picture) -> None:
    expires = timezone.now() + datetime.timedelta(hours=1)
    project = projects.get(world.people.alice.user.uuid)
    reader = Api(
        tokens.issue(world.people.alice.user, kind="login", project=project, read_only=True, expires=expires)
    )
    before = picture()
    for case in CASES:
        expected = case.member if case.method == "GET" else 403
        answer = reader.speaking(case.microversion)(
            case.method, world.path(case.path), filled(case.body, world.ids)
        )
        assert answer.status_code == expected, case.name
    assert picture() == before
