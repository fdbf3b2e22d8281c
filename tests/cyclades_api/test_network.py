"""Networks, subnets, ports and floating IPs in network v2.0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import SYSTEM, People
from tests.cyclades_api.conftest import Api

NETWORKS, SUBNETS = "network/v2.0/networks", "network/v2.0/subnets"
PORTS, FLOATING = "network/v2.0/ports", "network/v2.0/floatingips"
Settle = Callable[[], None]
Picture = Callable[[], dict[str, Any]]


def kind_of(answer: Any) -> str:
    return str(answer.json()["NeutronError"]["type"])


@pytest.mark.parametrize("path", ["network", "network/"])
def test_version_documents(stranger: Api, path: str) -> None:
    [version] = stranger.json("GET", path)["versions"]
    assert (version["id"], version["status"]) == ("v2.0", "CURRENT")
    href = version["links"][0]["href"].partition("/openstack/")[2]
    collections = {row["collection"] for row in stranger.json("GET", href)["resources"]}
    assert collections >= {"networks", "subnets", "ports", "floatingips", "routers", "security-groups"}


def test_networks_live(cloud: People, alice: Api) -> None:
    made = alice.json("POST", NETWORKS, {"network": {"name": "a", "admin_state_up": True}}, status=201)[
        "network"
    ]
    assert made["tenant_id"] == made["project_id"] == cloud.alice.caller.project
    assert (made["status"], made["shared"], made["router:external"], made["subnets"]) == (
        "ACTIVE",
        False,
        False,
        [],
    )
    path = f"{NETWORKS}/{made['id']}"
    changed = alice.json("PUT", path, {"network": {"name": "b", "description": "d"}}, status=200)["network"]
    assert (changed["name"], changed["description"]) == ("b", "d")
    body = {"subnet": {"network_id": made["id"], "cidr": "10.1.0.0/24", "ip_version": 4}}
    subnet = alice.json("POST", SUBNETS, body, status=201)["subnet"]
    assert subnet["gateway_ip"] == "10.1.0.1"
    assert subnet["allocation_pools"] == [{"start": "10.1.0.2", "end": "10.1.0.254"}]
    assert alice.json("GET", path)["network"]["subnets"] == [subnet["id"]]
    changes = {"subnet": {"name": "s", "enable_dhcp": False, "dns_nameservers": ["192.0.2.53"]}}
    subnet = alice.json("PUT", f"{SUBNETS}/{subnet['id']}", changes, status=200)["subnet"]
    assert (subnet["name"], subnet["enable_dhcp"], subnet["dns_nameservers"]) == ("s", False, ["192.0.2.53"])
    assert alice("DELETE", f"{SUBNETS}/{subnet['id']}").status_code == 204
    assert alice("DELETE", path).status_code == 204
    assert alice.get(path).status_code == 404


def test_a_subnet_may_have_no_gateway(alice: Api) -> None:
    network = alice.json("POST", NETWORKS, {"network": {}})["network"]["id"]
    body = {"subnet": {"network_id": network, "cidr": "10.1.0.0/24", "gateway_ip": None}}
    assert alice.json("POST", SUBNETS, body)["subnet"]["gateway_ip"] is None


def test_only_administrators_make_external_networks(
    alice: Api, bob: Api, admin: Api, picture: Picture
) -> None:
    wanted = {"network": {"name": "internet", "router:external": True, "shared": True}}
    before = picture()
    assert alice("POST", NETWORKS, wanted).status_code == 403
    assert picture() == before
    made = admin.json("POST", NETWORKS, wanted)["network"]
    assert made["router:external"]
    assert made["shared"]
    seen = bob.json("GET", f"{NETWORKS}?router:external=True&name=internet")["networks"]
    assert [row["id"] for row in seen] == [made["id"]]
    assert kind_of(bob("PUT", f"{NETWORKS}/{made['id']}", {"network": {"name": "mine"}})) == "Forbidden"
    assert bob("DELETE", f"{NETWORKS}/{made['id']}").status_code == 403
    assert bob("POST", PORTS, {"port": {"network_id": made["id"]}}).status_code == 403


@pytest.mark.parametrize(
    "network",
    [
        {"admin_state_up": "down"},
        {"mtu": 90000},
        {"shared": True},
        {"port_security_enabled": 3},
        {"provider:network_type": "vlan"},
        {"availability_zone_hints": ["mars"]},
        {"name": "x" * 256},
        {"name": 7},
        {"router:external": "yes"},
    ],
    ids=str,
)
def test_networks_that_there_cannot_be_are_refused(
    alice: Api, network: dict[str, Any], picture: Picture
) -> None:
    before = picture()
    answer = alice("POST", NETWORKS, {"network": network})
    assert answer.status_code == 400
    assert kind_of(answer) == "BadRequest"
    assert picture() == before


@pytest.mark.parametrize(
    ("subnet", "status"),
    [
        ({"cidr": "10.1.0.0/33"}, 400),
        ({"cidr": "fd00::/64"}, 400),
        ({"cidr": "fd00::/48", "ip_version": 6}, 400),
        ({"cidr": "fd00::/64", "ip_version": 6, "ipv6_ra_mode": "magic"}, 400),
        ({"cidr": "fd00::/80", "ip_version": 6, "ipv6_ra_mode": "slaac"}, 400),
        ({"cidr": "10.1.0.1/24"}, 400),
        ({"cidr": "10.1.0.0/24", "gateway_ip": "10.2.0.1"}, 400),
        ({"cidr": "10.1.0.0/24", "dns_nameservers": ["dns.example.org"]}, 400),
        ({"cidr": "10.1.0.0/24", "host_routes": [{"destination": "0.0.0.0/0", "nexthop": "fd00::9"}]}, 400),
        ({"cidr": "10.1.0.0/24", "allocation_pools": [{"start": "10.1.0.9", "end": "10.1.0.3"}]}, 400),
        ({"cidr": "10.1.0.0/24", "allocation_pools": [{"start": "10.1.0.1", "end": "10.1.0.3"}]}, 409),
        ({}, 400),
    ],
    ids=str,
)
def test_subnets_that_there_cannot_be_are_refused(
    alice: Api, subnet: dict[str, Any], status: int, picture: Picture
) -> None:
    network = alice.json("POST", NETWORKS, {"network": {}})["network"]["id"]
    before = picture()
    answer = alice("POST", SUBNETS, {"subnet": {"network_id": network, **subnet}})
    assert answer.status_code == status, answer.content
    assert picture() == before


def test_nothing_is_made_for_another_project(cloud: People, alice: Api, lan: dict[str, str]) -> None:
    foreign = {"project_id": cloud.bob.caller.project}
    assert alice("POST", NETWORKS, {"network": foreign}).status_code == 403
    assert alice("POST", PORTS, {"port": {"network_id": lan["network"], **foreign}}).status_code == 403
    own = {"tenant_id": cloud.alice.caller.project.replace("-", "")}
    assert alice("POST", NETWORKS, {"network": own}).status_code == 201


def test_a_network_in_use_is_not_removed(
    alice: Api, server: str, lan: dict[str, str], picture: Picture
) -> None:
    before = picture()
    assert alice("DELETE", f"{NETWORKS}/{lan['network']}").status_code == 409
    assert alice("DELETE", f"{SUBNETS}/{lan['subnet']}").status_code == 409
    [port] = alice.json("GET", f"{PORTS}?device_id={server}")["ports"]
    assert alice("DELETE", f"{PORTS}/{port['id']}").status_code == 409
    assert picture() == before


def test_ports_live_and_are_filtered(alice: Api, server: str, lan: dict[str, str]) -> None:
    wanted = {"network_id": lan["network"], "name": "p", "fixed_ips": [{"ip_address": "10.0.0.99"}]}
    made = alice.json("POST", PORTS, {"port": wanted}, status=201)["port"]
    assert made["fixed_ips"] == [{"subnet_id": lan["subnet"], "ip_address": "10.0.0.99"}]
    assert (made["status"], made["device_id"], made["device_owner"]) == ("DOWN", "", "")
    assert alice("POST", PORTS, {"port": wanted}).status_code == 409

    def ids(query: str) -> list[str]:
        return [row["id"] for row in alice.json("GET", f"{PORTS}?{query}")["ports"]]

    [used] = ids(f"device_id={server}")
    assert ids("name=p") == ids("fixed_ips=ip_address%3D10.0.0.99") == [made["id"]]
    assert ids(f"mac_address={made['mac_address']}") == ids("status=DOWN") == [made["id"]]
    assert (
        ids(f"fixed_ips=subnet_id%3D{lan['subnet']}")
        == ids(f"network_id={lan['network']}")
        == [made["id"], used]
    )
    assert ids("name=p&name=q") == [made["id"]]
    assert ids("device_owner=compute:nova") == [used]
    assert ids("network_id=nope") == []
    [row] = alice.json("GET", f"{PORTS}?name=p&fields=id&fields=mac_address")["ports"]
    assert set(row) == {"id", "mac_address"}
    assert set(alice.json("GET", f"{PORTS}/{used}?fields=id")["port"]) == {"id"}
    renamed = alice.json("PUT", f"{PORTS}/{made['id']}", {"port": {"name": "q"}})["port"]
    assert renamed["name"] == "q"
    assert alice("DELETE", f"{PORTS}/{made['id']}").status_code == 204


def test_a_port_waits_for_a_server_and_outlives_it(
    alice: Api, order: dict[str, Any], lan: dict[str, str], settle: Settle
) -> None:
    port = alice.json("POST", PORTS, {"port": {"network_id": lan["network"]}})["port"]["id"]
    order["server"]["networks"] = [{"port": port}]
    server = alice.json("POST", "compute/v2.1/servers", order)["server"]["id"]
    settle()
    shown = alice.json("GET", f"{PORTS}/{port}")["port"]
    assert (shown["status"], shown["device_id"], shown["device_owner"]) == ("ACTIVE", server, "compute:nova")
    assert alice("POST", "compute/v2.1/servers", order).status_code == 409
    alice("DELETE", f"compute/v2.1/servers/{server}")
    settle()
    shown = alice.json("GET", f"{PORTS}/{port}")["port"]
    assert (shown["status"], shown["device_id"]) == ("DOWN", "")


def test_a_floating_ip_is_active_once_engines_have_its_nat(
    alice: Api, server: str, public_network: Any, settle: Settle
) -> None:
    def status(query: str = "") -> list[str]:
        return [row["status"] for row in alice.json("GET", f"{FLOATING}?{query}")["floatingips"]]

    wanted = {"floatingip": {"floating_network_id": public_network.uuid}}
    made = alice.json("POST", FLOATING, wanted, status=201)["floatingip"]
    assert (made["status"], made["port_id"], made["fixed_ip_address"]) == ("DOWN", None, None)
    [port] = alice.json("GET", f"{PORTS}?device_id={server}")["ports"]
    path = f"{FLOATING}/{made['id']}"
    led = alice.json("PUT", path, {"floatingip": {"port_id": port["id"]}}, status=200)["floatingip"]
    assert (led["status"], led["port_id"]) == ("DOWN", port["id"])
    assert led["fixed_ip_address"] == port["fixed_ips"][0]["ip_address"]
    assert led["port_details"]["device_id"] == server
    assert (status("status=DOWN"), status("status=ACTIVE")) == (["DOWN"], [])
    settle()
    assert (status("status=DOWN"), status("status=ACTIVE")) == ([], ["ACTIVE"])
    assert (
        status(f"port_id={port['id']}")
        == status(f"floating_ip_address={made['floating_ip_address']}")
        == ["ACTIVE"]
    )
    assert status(f"fixed_ip_address={led['fixed_ip_address']}") == ["ACTIVE"]
    assert status("floating_ip_address=192.0.2.1") == []
    again = alice.json("PUT", path, {"floatingip": {"description": "words"}})["floatingip"]
    assert (again["port_id"], again["description"]) == (port["id"], "words")
    free = alice.json("PUT", path, {"floatingip": {"port_id": None}})["floatingip"]
    assert (free["status"], free["port_id"]) == ("DOWN", None)
    assert alice("DELETE", path).status_code == 204
    assert alice.get(path).status_code == 404


def test_floating_ips_that_cannot_be_are_refused(
    alice: Api, server: str, lan: dict[str, str], public_network: Any, picture: Picture
) -> None:
    [port] = alice.json("GET", f"{PORTS}?device_id={server}")["ports"]
    pool = {"floating_network_id": public_network.uuid}
    first = alice.json("POST", FLOATING, {"floatingip": {**pool, "port_id": port["id"]}})["floatingip"]
    before = picture()
    for wanted, status in (
        ({**pool, "port_id": port["id"]}, 409),
        ({**pool, "floating_ip_address": first["floating_ip_address"]}, 409),
        ({**pool, "floating_ip_address": "192.0.2.1"}, 400),
        ({**pool, "port_id": "11111111-2222-4333-8444-555555555555"}, 404),
        ({**pool, "port_id": port["id"], "fixed_ip_address": "10.0.0.250"}, 400),
        ({"floating_network_id": lan["network"]}, 400),
        ({"floating_network_id": "nope"}, 404),
        ({}, 400),
    ):
        answer = alice("POST", FLOATING, {"floatingip": wanted})
        assert answer.status_code == status, (wanted, answer.content)
    assert picture() == before


@pytest.mark.parametrize(
    ("resource", "path", "body"),
    [
        ("cyclades.network.private", NETWORKS, {"network": {}}),
        ("cyclades.floating_ip", FLOATING, {"floatingip": {"floating_network_id": "{public}"}}),
    ],
)
def test_quota_refuses_with_409_as_neutron_does(
    cloud: People, alice: Api, public_network: Any, resource: str, path: str, body: Any, picture: Picture
) -> None:
    from synnefo.astakos.projects import rules
    from tests.cyclades_api.routes import filled

    rules.set_limits(SYSTEM, rules.get(cloud.alice.user.uuid), {resource: (0, 0)})
    before = picture()
    answer = alice("POST", path, filled(body, {"public": public_network.uuid}))
    assert answer.status_code == 409
    assert kind_of(answer) == "OverQuota"
    assert picture() == before


def test_quotas_follow_what_is_used(cloud: People, alice: Api, lan: dict[str, str]) -> None:
    from synnefo.astakos.projects import rules

    project = rules.get(cloud.alice.user.uuid)
    rules.set_limits(SYSTEM, project, {"cyclades.network.private": (5, 5), "cyclades.floating_ip": (2, 2)})
    quota = alice.json("GET", f"network/v2.0/quotas/{project.uuid}")["quota"]
    assert (quota["network"], quota["floatingip"], quota["port"]) == (5, 2, -1)
    for path in ("details", "details.json"):
        detail = alice.json("GET", f"network/v2.0/quotas/{project.uuid}/{path}")["quota"]
        assert detail["network"] == {"limit": 5, "used": 1, "reserved": 0}


def test_networks_are_filtered_and_paged(cloud: People, alice: Api, public_network: Any) -> None:
    ids = [
        alice.json("POST", NETWORKS, {"network": {"name": f"n{number}"}})["network"]["id"]
        for number in range(3)
    ]

    def seen(query: str) -> list[str]:
        return [row["id"] for row in alice.json("GET", f"{NETWORKS}?{query}")["networks"]]

    project = cloud.alice.caller.project
    assert seen(f"project_id={project}") == seen(f"tenant_id={project.replace('-', '')}") == ids[::-1]
    assert (
        seen("shared=False") == seen("router:external=false") == seen("status=ACTIVE&shared=0") == ids[::-1]
    )
    assert seen("router:external=True") == seen("shared=true") == [public_network.uuid]
    assert seen(f"id={ids[0]}&id={ids[1]}") == [ids[1], ids[0]]
    assert seen("name=n2") == [ids[2]]
    assert seen("admin_state_up=False") == seen("status=DOWN") == seen("id=nope") == []
    page = alice.json("GET", f"{NETWORKS}?shared=False&limit=2")
    assert [row["id"] for row in page["networks"]] == [ids[2], ids[1]]
    following = page["networks_links"][0]["href"].partition("/openstack/")[2]
    assert [row["id"] for row in alice.json("GET", following)["networks"]] == [ids[0]]


def test_extensions_are_listed_and_shown(alice: Api) -> None:
    rows = alice.json("GET", "network/v2.0/extensions")["extensions"]
    for row in rows:
        assert alice.json("GET", f"network/v2.0/extensions/{row['alias']}")["extension"] == row
    assert "Availability Zone" in {row["name"] for row in rows}
    assert alice.get("network/v2.0/extensions/Availability%20Zone").status_code == 404
