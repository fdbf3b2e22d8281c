"""What administrators make, see and change in network v2.0 for other projects than their own."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from synnefo.astakos.accounts import tokens
from synnefo.astakos.projects import rules as projects
from synnefo.audit.models import AuditEvent
from synnefo.common.accounts import accounts
from synnefo.cyclades.networks.models import IPAddress, Port
from tests.conftest import SYSTEM, People, Person
from tests.cyclades_api.conftest import Api

BASE = "network/v2.0"
PRIVATE = "cyclades.network.private"
Mates = Callable[[Person], tuple[Person, Person]]


def make(api: Api, noun: str, **wish: Any) -> dict[str, Any]:
    path = f"{BASE}/{noun.replace('_', '-')}s"
    made: dict[str, Any] = api.json("POST", path, {noun: wish}, status=201)[noun]
    return made


def all_of_it(admin: Api, project: str, public: str) -> dict[str, str]:
    """One thing of each kind for a project, by collection."""
    network = make(admin, "network", project_id=project, name="theirs")["id"]
    subnet = make(admin, "subnet", tenant_id=project, network_id=network, cidr="10.0.0.0/24")["id"]
    router = make(admin, "router", project_id=project, external_gateway_info={"network_id": public})["id"]
    admin.json("PUT", f"{BASE}/routers/{router}/add_router_interface", {"subnet_id": subnet})
    port = make(admin, "port", project_id=project, network_id=network)["id"]
    group = make(admin, "security_group", project_id=project, name="web")["id"]
    rule = make(
        admin, "security_group_rule", project_id=project, security_group_id=group, direction="ingress"
    )["id"]
    floating = make(admin, "floatingip", project_id=project, floating_network_id=public, port_id=port)["id"]
    return {
        "networks": network, "subnets": subnet, "routers": router, "ports": port, "security-groups": group,
        "security-group-rules": rule, "floatingips": floating,
    }  # fmt: skip


def ids_in(api: Api, collection: str, query: str = "") -> set[str]:
    rows = api.json("GET", f"{BASE}/{collection}{query}")[collection.replace("-", "_")]
    return {row["id"] for row in rows}


def used(user: str, project: str) -> tuple[int, int]:
    """Private networks in use: by the user in the project, and by all of the project."""
    use = accounts().quotas(user, project)[PRIVATE]
    return use.usage, use.project_usage


def test_a_users_own_project_gets_networks_that_are_the_users(
    cloud: People, admin: Api, alice: Api, bob: Api, public_network: Any
) -> None:
    user = cloud.alice.user.uuid
    made = all_of_it(admin, user, public_network.uuid)
    assert used(user, user) == (1, 1)
    for collection, uuid in made.items():
        shown = alice.json("GET", f"{BASE}/{collection}/{uuid}")
        assert {row["project_id"] for row in shown.values()} == {user}, collection
        assert uuid in ids_in(alice, collection)
        assert bob.get(f"{BASE}/{collection}/{uuid}").status_code == 404
        assert uuid not in ids_in(bob, collection, f"?project_id={user}")
        assert uuid not in ids_in(admin, collection), "an administrator's own list"
        assert uuid in ids_in(admin, collection, f"?project_id={user}")
    assert {ip.userid for ip in IPAddress.objects.filter(port__uuid=made["ports"])} == {user}
    interface = Port.objects.get(router__uuid=made["routers"], network__uuid=made["networks"])
    assert (interface.userid, interface.project) == (user, user)
    assert {group.project for group in Port.objects.get(uuid=made["ports"]).security_groups.all()} == {user}
    events = AuditEvent.objects.filter(action="network.create", details__name="theirs")
    assert [(event.actor, event.project) for event in events] == [(cloud.admin.user.uuid, user)]


def test_all_of_a_common_project_have_what_is_made_for_it(
    cloud: People, admin: Api, bob: Api, mate_of: Mates, public_network: Any
) -> None:
    alice, mate = mate_of(cloud.alice)
    project = alice.caller.project
    made = all_of_it(admin, project, public_network.uuid)
    assert used(alice.user.uuid, project) == (0, 1), "charged to the pool, and to no member"
    for collection, uuid in made.items():
        for member in (alice, mate):
            assert uuid in ids_in(Api(member.token), collection), collection
        assert uuid not in ids_in(bob, collection), collection
    order = {"floatingip": {"port_id": None}}
    Api(mate.token).json("PUT", f"{BASE}/floatingips/{made['floatingips']}", order)
    assert Api(mate.token)("DELETE", f"{BASE}/floatingips/{made['floatingips']}").status_code == 204
    assert Api(mate.token)("DELETE", f"{BASE}/ports/{made['ports']}").status_code == 204
    leave = f"{BASE}/routers/{made['routers']}/remove_router_interface"
    admin.json("PUT", leave, {"subnet_id": made["subnets"]})
    assert admin("DELETE", f"{BASE}/networks/{made['networks']}").status_code == 204
    assert used(alice.user.uuid, project) == (0, 0)


def test_what_is_made_for_others_counts_against_their_quota(cloud: People, admin: Api, alice: Api) -> None:
    user = cloud.alice.user.uuid
    projects.set_limits(SYSTEM, projects.get(user), {PRIVATE: (1, 1)})
    make(admin, "network", project_id=user)
    assert admin("POST", f"{BASE}/networks", {"network": {"project_id": user}}).status_code == 409
    assert alice("POST", f"{BASE}/networks", {"network": {}}).status_code == 409
    assert used(user, user) == (1, 1)


@pytest.mark.parametrize(
    ("noun", "wish"),
    [
        ("network", {"project_id": "no-such-project"}),
        ("network", {"tenant_id": "11111111-2222-4333-8444-555555555555"}),
        ("network", {"project_id": "{alice}", "tenant_id": "{bob}"}),
        ("network", {"project_id": ""}),
        ("subnet", {"project_id": "{bob}", "network_id": "{network}", "cidr": "10.0.0.0/24"}),
        ("security_group_rule", {"tenant_id": "{bob}", "security_group_id": "{group}", "direction": "in"}),
    ],
)  # fmt: skip
def test_a_project_must_be_there_and_be_that_of_the_whole(
    cloud: People, admin: Api, alice: Api, noun: str, wish: dict[str, str]
) -> None:
    names = {
        "alice": cloud.alice.user.uuid, "bob": cloud.bob.user.uuid, "network": make(alice, "network")["id"],
        "group": make(alice, "security_group", name="web")["id"],
    }  # fmt: skip
    before = {name: ids_in(alice, name) for name in ("networks", "subnets", "security-group-rules")}
    body = {noun: {key: value.format(**names) for key, value in wish.items()}}
    answer = admin("POST", f"{BASE}/{noun.replace('_', '-')}s", body)
    assert answer.status_code == 400, answer.content
    assert "project" in answer.json()["NeutronError"]["message"]
    assert before == {name: ids_in(alice, name) for name in before}


def test_a_token_confined_to_a_project_reaches_no_other(cloud: People, alice: Api) -> None:
    network = make(alice, "network")["id"]
    expires = timezone.now() + datetime.timedelta(hours=1)
    own = projects.get(cloud.admin.user.uuid)
    confined = Api(tokens.issue(cloud.admin.user, kind="login", project=own, confined=True, expires=expires))
    assert confined.get(f"{BASE}/networks/{network}").status_code == 404
    assert confined("DELETE", f"{BASE}/networks/{network}").status_code == 404
    assert network not in ids_in(confined, "networks", f"?project_id={cloud.alice.user.uuid}")
    order = {"network": {"project_id": cloud.alice.user.uuid}}
    assert confined("POST", f"{BASE}/networks", order).status_code == 403
    assert confined.get("compute/v2.1/servers?all_tenants=1").status_code == 403
