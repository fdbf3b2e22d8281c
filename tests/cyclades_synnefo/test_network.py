"""Networks, subnets, ports and floating IPs as kamaki meets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.astakos.quotas.models import Holding
from tests.cyclades_synnefo.conftest import Api, World

N = "network/v2.0"
Settle = Callable[[], None]


def new_network(api: Api, **more: Any) -> str:
    body = {"network": {"type": "MAC_FILTERED", **more}}
    made: str = api.json("POST", f"{N}/networks", body, status=201)["network"]["id"]
    return made


def test_a_network_from_its_creation_to_its_deletion(alice: Api, settle: Settle, cloud: Any) -> None:
    number = new_network(alice, name="lan", admin_state_up=True)
    network = alice.get(f"{N}/networks/{number}")["network"]
    uuid = cloud.alice.user.uuid
    assert {key: network[key] for key in network if key not in ("links", "created", "updated")} == {
        "id": number, "name": "lan", "user_id": uuid, "tenant_id": uuid, "shared_to_project": False,
        "type": "MAC_FILTERED", "status": "ACTIVE", "public": False, "shared": False,
        "router:external": False, "admin_state_up": True, "subnets": [],
        "SNF:floating_ip_pool": False, "deleted": False,
    }  # fmt: skip
    assert isinstance(number, str)
    renamed = alice.json("PUT", f"{N}/networks/{number}", {"network": {"name": "new"}})["network"]
    assert renamed["name"] == "new"
    assert number in [row["id"] for row in alice.get(f"{N}/networks/detail")["networks"]]
    assert alice.get(f"{N}/networks/detail") == alice.get(f"{N}/networks")
    assert alice.json("DELETE", f"{N}/networks/{number}", status=204) is None
    settle()
    gone = alice.get(f"{N}/networks/{number}")["network"]
    assert (gone["status"], gone["deleted"]) == ("DELETED", True)
    alice.json("DELETE", f"{N}/networks/{number}", status=400)
    alice.json("PUT", f"{N}/networks/{number}", {"network": {"name": "x"}}, status=400)
    assert number not in [row["id"] for row in alice.get(f"{N}/networks")["networks"]]


def test_the_public_network_is_everybodys_and_nobodys(alice: Api, public_network: Any) -> None:
    path = f"{N}/networks/{public_network.pk}"
    network = alice.get(path)["network"]
    assert network["user_id"] is network["tenant_id"] is None
    assert network["public"] is network["shared"] is network["router:external"] is True
    assert (network["type"], network["SNF:floating_ip_pool"]) == ("CUSTOM", True)
    [subnet] = network["subnets"]
    assert alice.get(f"{N}/subnets/{subnet}")["subnet"]["user_id"] is None
    alice.json("PUT", path, {"network": {"name": "x"}}, status=403)
    alice.json("DELETE", path, status=403)
    alice.json("POST", f"{path}/action", {"reassign": {"project": "p"}}, status=403)
    body = {"subnet": {"network_id": str(public_network.pk), "cidr": "10.1.2.0/24"}}
    alice.json("POST", f"{N}/subnets", body, status=403)


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({}, 400),
        ({"type": "BAD"}, 400),
        ({"type": 7}, 400),
        ({"type": "PHYSICAL_VLAN"}, 403),
        ({"type": "CUSTOM"}, 403),
        ({"type": "MAC_FILTERED", "name": "x" * 300}, 400),
        ({"type": "MAC_FILTERED", "project": "nope"}, 400),
        ({"type": "MAC_FILTERED", "shared_to_project": 1}, 400),
    ],
)
def test_a_network_that_cannot_be_made(alice: Api, wanted: object, status: int) -> None:
    alice.json("POST", f"{N}/networks", {"network": wanted}, status=status)
    assert [row["name"] for row in alice.get(f"{N}/networks")["networks"]] == ["public"]


def test_a_network_in_use_is_not_deleted(world: World) -> None:
    fault = world.alice.json("DELETE", world.path(f"{N}/networks/{{network}}"), status=409)
    assert "conflict" in fault


def test_a_subnet(alice: Api) -> None:
    network = new_network(alice)
    wanted = {
        "network_id": network, "cidr": "192.168.10.0/24", "gateway_ip": "192.168.10.1", "ip_version": 4,
        "allocation_pools": [{"start": "192.168.10.100", "end": "192.168.10.150"}], "name": "sub-a",
    }  # fmt: skip
    made = alice.json("POST", f"{N}/subnets", {"subnet": wanted}, status=201)["subnet"]
    assert made.items() >= {
        **wanted, "public": False, "enable_dhcp": True, "dns_nameservers": [], "host_routes": [],
        "deleted": False,
    }.items()  # fmt: skip
    assert made["tenant_id"] == made["user_id"]
    assert alice.get(f"{N}/subnets/{made['id']}")["subnet"] == made
    assert made in alice.get(f"{N}/subnets/detail")["subnets"]
    assert alice.get(f"{N}/networks/{network}")["network"]["subnets"] == [made["id"]]
    second = alice.json("POST", f"{N}/subnets", {"subnet": {**wanted, "cidr": "10.1.2.0/24"}}, status=400)
    assert second["badRequest"]["message"] == "Only one subnet of IPv4/IPv6 per network is allowed"
    path = f"{N}/subnets/{made['id']}"
    assert alice.json("PUT", path, {"subnet": {"name": "new"}})["subnet"]["name"] == "new"
    alice.json("PUT", path, {"subnet": {"name": "new", "enable_dhcp": False}}, status=400)
    alice.json("DELETE", path, status=400)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"cidr": "junk"}, 400),
        ({"cidr": "10.0.0.1/24"}, 400),
        ({"cidr": None}, 400),
        ({"network_id": None}, 400),
        ({"network_id": "9999"}, 404),
        ({"ip_version": 5}, 400),
        ({"ip_version": 6}, 400),
        (
            {
                "ip_version": 6,
                "cidr": "fd00::/64",
                "allocation_pools": [{"start": "fd00::2", "end": "fd00::9"}],
            },
            409,
        ),
        ({"ip_version": 6, "cidr": "fd00::/80"}, 400),
        ({"ip_version": 6, "cidr": "fd00::/64", "enable_slaac": "yes"}, 400),
        ({"host_routes": [{"destination": "192.0.2.0/24"}]}, 400),
        ({"gateway_ip": "192.0.2.1"}, 400),
        ({"enable_dhcp": "yes"}, 400),
        ({"dns_nameservers": "192.0.2.1"}, 400),
        ({"allocation_pools": {"start": "10.0.0.2"}}, 400),
        ({"allocation_pools": [{"start": "x", "end": "y"}]}, 400),
        ({"allocation_pools": [{"start": "10.1.0.1", "end": "10.1.0.9"}]}, 409),
    ],
)
def test_a_subnet_that_cannot_be_made(alice: Api, change: dict[str, Any], status: int) -> None:
    network = new_network(alice)
    wanted = {"network_id": network, "cidr": "10.1.0.0/24", **change}
    alice.json("POST", f"{N}/subnets", {"subnet": wanted}, status=status)
    assert alice.get(f"{N}/networks/{network}")["network"]["subnets"] == []


def test_a_subnet_without_a_gateway(alice: Api) -> None:
    wanted = {"network_id": new_network(alice), "cidr": "10.1.0.0/24", "gateway_ip": None}
    made = alice.json("POST", f"{N}/subnets", {"subnet": wanted}, status=201)["subnet"]
    assert made["gateway_ip"] is None


def test_a_port(alice: Api, lan: dict[str, str], cloud: Any) -> None:
    body = {"port": {"network_id": lan["network"], "name": "p"}}
    made = alice.json("POST", f"{N}/ports", body, status=201)["port"]
    assert {key: made[key] for key in made if key not in ("links", "created", "updated", "mac_address")} == {
        "id": made["id"], "name": "p", "user_id": cloud.alice.user.uuid, "tenant_id": cloud.alice.user.uuid,
        "device_id": None, "admin_state_up": True, "status": "DOWN", "device_owner": None,
        "network_id": lan["network"], "security_groups": [],
        "fixed_ips": [{"ip_address": "10.0.0.2", "subnet": lan["subnet"]}],
    }  # fmt: skip
    assert made in alice.get(f"{N}/ports")["ports"]
    path = f"{N}/ports/{made['id']}"
    assert alice.json("PUT", path, {"port": {"name": "new"}})["port"]["name"] == "new"
    alice.json("DELETE", path, status=204)
    alice.get(path, status=404)


def test_ports_that_cannot_be_made_and_one_that_a_server_has(world: World) -> None:
    ids = world.ids
    for wanted, status in (
        ({"network_id": "9999"}, 404),
        ({"network_id": ids["public"]}, 400),
        ({"network_id": ids["public"], "fixed_ips": [{"ip_address": ids["address"]}]}, 409),
        ({"network_id": ids["public"], "fixed_ips": [{"ip_address": "198.18.0.99"}]}, 404),
        ({"network_id": ids["network"], "device_id": "9999"}, 404),
        ({"network_id": ids["network"], "device_id": "x"}, 400),
        ({"network_id": ids["network"], "fixed_ips": [{"ip_address": "10.0.0.2"}]}, 409),
        ({"network_id": ids["network"], "fixed_ips": [{"ip_address": "fe80::1"}]}, 400),
        ({"network_id": ids["network"], "fixed_ips": [{}, {}]}, 400),
        ({}, 400),
    ):
        world.alice.json("POST", f"{N}/ports", {"port": wanted}, status=status)
    port = world.alice.get(f"{N}/ports/{ids['port']}")["port"]
    assert (port["device_id"], port["device_owner"], port["status"]) == (str(ids["server"]), "vm", "ACTIVE")


@pytest.mark.parametrize(
    ("cidr", "status"),
    [("10.0.0.0/21", 413), ("10.0.0.0/22", 201), ("10.0.0.0/29", 201), ("10.0.0.0/30", 413), ("junk", 400)],
)
def test_subnets_are_neither_too_large_nor_too_small(alice: Api, cidr: str, status: int) -> None:
    network = alice.json("POST", f"{N}/networks", {"network": {"type": "MAC_FILTERED"}}, status=201)
    body = {"subnet": {"network_id": network["network"]["id"], "cidr": cidr}}
    assert alice.json("POST", f"{N}/subnets", body, status=status)


def test_floating_ips(alice: Api, public_network: Any, cloud: Any) -> None:
    body = {
        "floatingip": {"floating_network_id": str(public_network.pk), "floating_ip_address": "198.18.0.9"}
    }
    made = alice.json("POST", f"{N}/floatingips", body, status=200)["floatingip"]
    assert made == {
        "id": made["id"], "fixed_ip_address": None, "instance_id": None, "floating_ip_address": "198.18.0.9",
        "port_id": None, "floating_network_id": str(public_network.pk), "user_id": cloud.alice.user.uuid,
        "tenant_id": cloud.alice.user.uuid, "shared_to_project": False, "deleted": False,
    }  # fmt: skip
    alice.json("POST", f"{N}/floatingips", body, status=409)
    assert alice.get(f"{N}/floatingips") == alice.get(f"{N}/floatingips/detail") == {"floatingips": [made]}
    alice.json("PUT", f"{N}/floatingips/{made['id']}", {"floatingip": {}}, status=501)
    number = int(made["id"])
    old = {"id": number, "ip": "198.18.0.9", "fixed_ip": None, "instance_id": None, "pool": None}
    assert alice.get("compute/v2.0/os-floating-ips") == {"floating_ips": [old]}
    assert alice.get(f"compute/v2.0/os-floating-ips/{number}") == {"floatingip": made}
    assert alice.json("POST", "compute/v2.0/os-floating-ips")["floating_ip"]["ip"] == "198.18.0.2"
    alice.json("DELETE", f"compute/v2.0/os-floating-ips/{number}", status=204)
    alice.get(f"{N}/floatingips/{number}", status=404)


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"floating_network_id": "9999"}, 404),
        ({"floating_network_id": "x"}, 400),
        ({"floating_ip_address": "8.8.8.8"}, 400),
        ({"floating_ip_address": 8}, 400),
        ({"project": "nope"}, 400),
    ],
)
def test_a_floating_ip_that_cannot_be_had(alice: Api, wanted: object, status: int) -> None:
    alice.json("POST", f"{N}/floatingips", {"floatingip": wanted}, status=status)
    assert alice.get(f"{N}/floatingips")["floatingips"] == []


def test_quota_is_said_in_details(alice: Api, cloud: Any) -> None:
    holdings = Holding.objects.filter(holder=f"user:{cloud.alice.user.uuid}")
    holdings.filter(resource__in=("cyclades.floating_ip", "cyclades.network.private")).update(limit=0)
    for path, body in (
        ("floatingips", {"floatingip": {}}),
        ("networks", {"network": {"type": "MAC_FILTERED"}}),
    ):
        fault = alice.json("POST", f"{N}/{path}", body, status=413)["overLimit"]
        assert "Available: 0, Requested: 1" in fault["details"]


def test_the_collections_are_listed(alice: Api) -> None:
    found = alice.get(f"{N}/")["resources"]
    assert [row["collection"] for row in found] == ["networks", "subnets", "ports", "floatingips"]


def test_a_network_has_a_subnet_of_each_version(alice: Api) -> None:
    network = new_network(alice)
    for wanted in ({"cidr": "10.1.0.0/24"}, {"cidr": "fd00:1::/64", "ip_version": 6, "enable_slaac": True}):
        alice.json("POST", f"{N}/subnets", {"subnet": {"network_id": network, **wanted}}, status=201)
    subnets = {
        row["ip_version"]: row for row in alice.get(f"{N}/subnets")["subnets"] if row["network_id"] == network
    }
    assert "enable_slaac" not in subnets[4]
    assert subnets[6].items() >= {
        "enable_slaac": True, "enable_dhcp": True, "gateway_ip": "fd00:1::1", "allocation_pools": [],
    }.items()  # fmt: skip
    port = alice.json("POST", f"{N}/ports", {"port": {"network_id": network}}, status=201)["port"]
    addresses = [ip["ip_address"] for ip in port["fixed_ips"]]
    assert addresses[0] == "10.1.0.2"
    assert addresses[1].startswith("fd00:1::")
    again = {"network_id": network, "cidr": "fd00:2::/64", "ip_version": 6}
    alice.json("POST", f"{N}/subnets", {"subnet": again}, status=400)


def test_a_network_in_use_gets_no_more_subnets(world: World) -> None:
    body = {"subnet": {"network_id": world.ids["network"], "cidr": "fd00::/64", "ip_version": 6}}
    world.alice.json("POST", f"{N}/subnets", body, status=400)


def usage(user: Any, project: str, resource: str) -> int:
    row = Holding.objects.filter(
        holder=f"user:{user.uuid}", source=f"project:{project}", resource=f"cyclades.{resource}"
    ).first()
    return 0 if row is None else row.usage_max


def test_networks_and_floating_ips_move_to_other_projects_with_their_charge(
    cloud: Any, mate_of: Callable[[Any], tuple[Any, str]]
) -> None:
    mate, project = mate_of(cloud.alice)
    alice, other, own = Api(cloud.alice.token), Api(mate.token), cloud.alice.user.uuid
    network = new_network(alice)
    floating = alice.json("POST", f"{N}/floatingips", {"floatingip": {}}, status=200)["floatingip"]["id"]
    for path, resource in (
        (f"{N}/networks/{network}", "network.private"),
        (f"{N}/floatingips/{floating}", "floating_ip"),
    ):
        kind = "network" if "networks" in path else "floatingip"
        assert usage(cloud.alice.user, own, resource) == 1
        other.get(path, status=404)
        for body, status in (
            ({"reassign": {}}, 400),
            ({"reassign": {"project": "nope"}}, 400),
            ({"move": {"project": project}}, 400),
            ({"reassign": {"project": project, "shared_to_project": "yes"}}, 400),
        ):
            alice.json("POST", f"{path}/action", body, status=status)
        alice.json(
            "POST",
            f"{path}/action",
            {"reassign": {"project": project, "shared_to_project": True}},
            status=200,
        )
        moved = other.get(path)[kind]
        assert (moved["tenant_id"], moved["user_id"], moved["shared_to_project"]) == (project, own, True)
        assert (usage(cloud.alice.user, own, resource), usage(cloud.alice.user, project, resource)) == (0, 1)
        other.json("POST", f"{path}/action", {"reassign": {"project": mate.user.uuid}}, status=403)
        alice.json("POST", f"{path}/action", {"reassign": {"project": own}}, status=200)
        assert (usage(cloud.alice.user, own, resource), usage(cloud.alice.user, project, resource)) == (1, 0)
        other.get(path, status=404)


def test_a_drained_network_gives_nothing_more_but_what_was_taken_stays_of_use(
    cloud: Any, alice: Api, public_network: Any
) -> None:
    from synnefo.cyclades.networks import rules

    taken = alice.json("POST", f"{N}/floatingips", {"floatingip": {}}, status=200)["floatingip"]
    rules.update(cloud.admin.caller, public_network.uuid, drained=True)
    assert alice.get(f"{N}/networks/{public_network.pk}")["network"]["status"] == "SNF:DRAINED"
    alice.json("POST", f"{N}/floatingips", {"floatingip": {}}, status=409)
    wanted = {"floating_network_id": str(public_network.pk)}
    alice.json("POST", f"{N}/floatingips", {"floatingip": wanted}, status=409)
    fixed = [{"ip_address": taken["floating_ip_address"]}]
    body = {"port": {"network_id": str(public_network.pk), "fixed_ips": fixed}}
    port = alice.json("POST", f"{N}/ports", body, status=201)["port"]
    alice.json("DELETE", f"{N}/floatingips/{taken['id']}", status=409)
    alice.json("DELETE", f"{N}/ports/{port['id']}", status=204)
