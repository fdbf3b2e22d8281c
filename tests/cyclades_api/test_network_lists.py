"""Network v2.0 as its clients use it: order, pages, many at once, routers, groups, several addresses."""

from __future__ import annotations

from typing import Any

import pytest

from synnefo.cyclades.networks.models import Network
from tests.cyclades_api.conftest import Api

N = "network/v2.0"


@pytest.fixture
def named(alice: Api) -> list[str]:
    """Five networks, and their ids by name."""
    body = {"networks": [{"name": name} for name in "bdace"]}
    made = alice.json("POST", f"{N}/networks", body, status=201)["networks"]
    return [row["id"] for row in sorted(made, key=lambda row: row["name"])]


def names(body: dict[str, Any]) -> str:
    return "".join(row["name"] for row in body["networks"])


def test_lists_are_in_the_order_that_is_asked_for(alice: Api, named: list[str]) -> None:
    own = f"{N}/networks?router:external=False"
    assert names(alice.json("GET", f"{own}&sort_key=name&sort_dir=asc")) == "abcde"
    assert names(alice.json("GET", f"{own}&sort_key=name&sort_dir=desc")) == "edcba"
    by_two = "&sort_key=admin_state_up&sort_dir=asc"
    for wrong in (
        by_two,
        "&sort_key=name&sort_dir=up",
        "&sort_key=name&sort_key=id&sort_dir=asc",
        "&limit=-1",
    ):
        assert alice("GET", own + wrong).status_code == 400, wrong


def test_pages_go_forward_and_back_without_losing_anything(alice: Api, named: list[str]) -> None:
    own = f"{N}/networks?router:external=False&sort_key=name&sort_dir=asc&limit=2"
    found, url = "", own
    while url:
        body = alice.json("GET", url)
        found += names(body)
        links = {link["rel"]: link["href"] for link in body.get("networks_links", [])}
        url = links.get("next", "").partition("/openstack/")[2]
    assert found == "abcde"
    back = alice.json("GET", f"{own}&marker={named[4]}&page_reverse=True")
    assert names(back) == "cd"
    previous = {link["rel"]: link["href"] for link in back["networks_links"]}["previous"]
    assert names(alice.json("GET", previous.partition("/openstack/")[2])) == "ab"
    assert alice("GET", f"{own}&marker={'0' * 32}").status_code == 400


def test_many_are_made_or_none(alice: Api) -> None:
    network = alice.json("POST", f"{N}/networks", {"network": {}}, status=201)["network"]["id"]
    good, bad = {"network_id": network, "cidr": "10.1.0.0/24"}, {"network_id": network, "cidr": "10.1.0.0/25"}
    assert alice("POST", f"{N}/subnets", {"subnets": [good, bad]}).status_code == 400
    assert alice.json("GET", f"{N}/subnets?network_id={network}")["subnets"] == []
    assert alice("POST", f"{N}/networks", {"networks": [{"name": "x"}, {"mtu": 1}]}).status_code == 400
    assert not Network.objects.filter(name="x", deleted=False).exists()
    for wrong in ({}, {"network": {}, "networks": [{}]}, {"networks": []}):
        assert alice("POST", f"{N}/networks", wrong).status_code == 400


def test_a_port_has_addresses_of_several_subnets(alice: Api, lan: dict[str, str]) -> None:
    six = {"network_id": lan["network"], "cidr": "fd00::/64", "ip_version": 6, "ipv6_address_mode": "slaac"}
    slaac = alice.json("POST", f"{N}/subnets", {"subnet": {**six, "ipv6_ra_mode": "slaac"}}, status=201)[
        "subnet"
    ]
    wanted = {"network_id": lan["network"], "mac_address": "52:54:00:12:34:56"}
    port = alice.json("POST", f"{N}/ports", {"port": wanted}, status=201)["port"]
    assert port["fixed_ips"] == [
        {"subnet_id": lan["subnet"], "ip_address": "10.0.0.2"},
        {"subnet_id": slaac["id"], "ip_address": "fd00::5054:ff:fe12:3456"},
    ]
    assert alice("POST", f"{N}/ports", {"port": wanted}).status_code == 409
    path = f"{N}/ports/{port['id']}"
    changes = {
        "fixed_ips": [{"subnet_id": lan["subnet"]}, {"ip_address": "10.0.0.99"}],
        "admin_state_up": False,
    }
    changed = alice.json("PUT", path, {"port": changes}, status=200)["port"]
    assert [ip["ip_address"] for ip in changed["fixed_ips"]] == ["10.0.0.2", "10.0.0.99"]
    assert changed["admin_state_up"] is False
    for filters, count in (
        ("fixed_ips=ip_address=10.0.0.99", 1),
        ("fixed_ips=ip_address_substr=0.0.9", 1),
        (f"fixed_ips=subnet_id={slaac['id']}", 0),
        (f"fixed_ips=subnet_id={lan['subnet']}&fixed_ips=ip_address=10.0.0.2", 1),
        ("mac_address=52:54:00:12:34:56&admin_state_up=False", 1),
    ):
        assert len(alice.json("GET", f"{N}/ports?{filters}")["ports"]) == count, filters
    assert alice.json("PUT", path, {"port": {"fixed_ips": []}}, status=200)["port"]["fixed_ips"] == []


def test_devices_of_the_cloud_are_not_told_by_users(alice: Api, lan: dict[str, str]) -> None:
    wanted = {"network_id": lan["network"], "device_owner": "network:router_interface", "device_id": "x"}
    assert alice("POST", f"{N}/ports", {"port": wanted}).status_code == 403
    own = {"network_id": lan["network"], "device_owner": "appliance:mine", "device_id": "x"}
    port = alice.json("POST", f"{N}/ports", {"port": own}, status=201)["port"]
    assert [row["id"] for row in alice.json("GET", f"{N}/ports?device_id=x")["ports"]] == [port["id"]]


def test_routers_and_floating_ips_by_way_of_them(
    alice: Api, lan: dict[str, str], public_network: Any
) -> None:
    gateway = {"network_id": public_network.uuid}
    router = alice.json("POST", f"{N}/routers", {"router": {"external_gateway_info": gateway}}, status=201)[
        "router"
    ]
    assert router["external_gateway_info"]["external_fixed_ips"][0]["ip_address"] == "198.18.0.2"
    path = f"{N}/routers/{router['id']}"
    leg = alice.json("PUT", f"{path}/add_router_interface", {"subnet_id": lan["subnet"]}, status=200)
    assert leg["subnet_ids"] == [lan["subnet"]]
    [port] = alice.json("GET", f"{N}/ports?device_id={router['id']}")["ports"]
    assert (port["id"], port["device_owner"], port["security_groups"]) == (
        leg["port_id"], "network:router_interface", [],
    )  # fmt: skip
    inner = alice.json("POST", f"{N}/ports", {"port": {"network_id": lan["network"]}})["port"]
    wanted = {"floating_network_id": public_network.uuid, "port_id": inner["id"]}
    floating = alice.json("POST", f"{N}/floatingips", {"floatingip": wanted}, status=201)["floatingip"]
    assert (floating["router_id"], floating["fixed_ip_address"]) == (router["id"], "10.0.0.2")
    listed = alice.json("GET", f"{N}/floatingips?router_id={router['id']}")["floatingips"]
    assert [row["id"] for row in listed] == [floating["id"]]
    assert alice("PUT", f"{path}/remove_router_interface", {"subnet_id": lan["subnet"]}).status_code == 409
    assert alice("PUT", path, {"router": {"external_gateway_info": None}}).status_code == 409
    without = {"external_gateway_info": {**gateway, "enable_snat": False}}
    assert alice("PUT", path, {"router": without}).status_code == 403
    alice("DELETE", f"{N}/floatingips/{floating['id']}")
    cleared = alice.json("PUT", path, {"router": {"external_gateway_info": {}}}, status=200)["router"]
    assert cleared["external_gateway_info"] is None


def test_groups_are_asked_for_by_ports_and_told_by_them(alice: Api, bob: Api, lan: dict[str, str]) -> None:
    [default] = alice.json("GET", f"{N}/security-groups")["security_groups"]
    assert (default["name"], len(default["security_group_rules"])) == ("default", 4)
    web = alice.json("POST", f"{N}/security-groups", {"security_group": {"name": "web"}}, status=201)
    group = web["security_group"]["id"]
    rule = {"security_group_id": group, "direction": "ingress", "protocol": 6, "port_range_min": 80,
            "port_range_max": 80, "remote_group_id": default["id"]}  # fmt: skip
    made = alice.json("POST", f"{N}/security-group-rules", {"security_group_rule": rule}, status=201)
    assert made["security_group_rule"]["protocol"] == "6"
    assert alice("POST", f"{N}/security-group-rules", {"security_group_rule": rule}).status_code == 409
    usual = alice.json("POST", f"{N}/ports", {"port": {"network_id": lan["network"]}})["port"]
    assert usual["security_groups"] == [default["id"]]
    wanted = {"network_id": lan["network"], "security_groups": [group]}
    port = alice.json("POST", f"{N}/ports", {"port": wanted})["port"]
    found = alice.json("GET", f"{N}/ports?security_groups={group}")["ports"]
    assert [row["id"] for row in found] == [port["id"]]
    assert alice("DELETE", f"{N}/security-groups/{group}").status_code == 409
    off = alice.json("PUT", f"{N}/ports/{port['id']}", {"port": {"port_security_enabled": False}})["port"]
    assert (off["security_groups"], off["port_security_enabled"]) == ([], False)
    [theirs] = bob.json("GET", f"{N}/security-groups")["security_groups"]
    assert theirs["id"] != default["id"]
    stolen = {"network_id": lan["network"], "security_groups": [theirs["id"]]}
    assert alice("POST", f"{N}/ports", {"port": stolen}).status_code == 404


def test_how_full_networks_are(alice: Api, lan: dict[str, str]) -> None:
    alice.json("POST", f"{N}/ports", {"port": {"network_id": lan["network"]}})
    told = alice.json("GET", f"{N}/network-ip-availabilities/{lan['network']}")["network_ip_availability"]
    assert (told["total_ips"], told["used_ips"]) == (253, 1)
    assert told["subnet_ip_availability"][0]["cidr"] == "10.0.0.0/24"


def test_quotas_tell_what_is_used(alice: Api, lan: dict[str, str], cloud: Any) -> None:
    alice.json("POST", f"{N}/routers", {"router": {}})
    quota = alice.json("GET", f"{N}/quotas/{cloud.alice.caller.project}/details")["quota"]
    assert quota["router"] == {"limit": 20, "used": 1, "reserved": 0}
    assert (quota["subnet"]["limit"], quota["subnet"]["used"]) == (-1, 1)
