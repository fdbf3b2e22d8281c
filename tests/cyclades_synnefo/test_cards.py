"""Cards that servers get and lose while they are there, and their tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.cyclades.networks.models import IPAddress, Port
from synnefo.cyclades.servers.models import Server
from tests.cyclades_synnefo.conftest import Api

Settle = Callable[[], None]
SERVERS, PORTS = "compute/v2.0/servers", "network/v2.0/ports"


def plug(api: Api, server: int, network: str, address: str | None = None, status: int = 201) -> Any:
    fixed = [{"ip_address": address}] if address else []
    body = {"port": {"network_id": network, "device_id": str(server), "fixed_ips": fixed, "name": "card"}}
    return api.json("POST", PORTS, body, status=status)


def shown(api: Api, server: int) -> Any:
    return api.get(f"{SERVERS}/{server}")["server"]


@pytest.fixture
def second(alice: Api) -> str:
    """Another network of alice's."""
    body = {"network": {"type": "MAC_FILTERED"}}
    network: str = alice.json("POST", "network/v2.0/networks", body, status=201)["network"]["id"]
    subnet = {"subnet": {"network_id": network, "cidr": "10.7.0.0/24"}}
    alice.json("POST", "network/v2.0/subnets", subnet, status=201)
    return network


@pytest.mark.parametrize("running", [True, False])
def test_a_card_is_put_in_and_taken_out(
    alice: Api, server: int, second: str, engine_room: Any, settle: Settle, running: bool
) -> None:
    if not running:
        alice.json("POST", f"{SERVERS}/{server}/action", {"shutdown": {}}, status=202)
        settle()
    port = plug(alice, server, second)["port"]
    assert (port["status"], port["mac_address"], port["device_id"]) == ("BUILD", None, str(server))
    assert shown(alice, server)["SNF:task_state"] == "CONNECTING"
    settle()
    port = alice.get(f"{PORTS}/{port['id']}")["port"]
    assert (port["status"], port["device_owner"]) == ("ACTIVE", "vm")
    name = Server.objects.get(pk=server).engine_name
    assert [card.ip for card in engine_room.cards(name)] == ["10.0.0.2", "10.7.0.2"]
    assert [card["ipv4"] for card in shown(alice, server)["attachments"]] == ["10.0.0.2", "10.7.0.2"]

    alice.json("DELETE", f"{PORTS}/{port['id']}", status=204)
    assert shown(alice, server)["SNF:task_state"] == "DISCONNECTING"
    settle()
    alice.get(f"{PORTS}/{port['id']}", status=404)
    assert [card.ip for card in engine_room.cards(name)] == ["10.0.0.2"]
    assert shown(alice, server)["status"] == ("ACTIVE" if running else "STOPPED")


def test_a_floating_ip_stays_when_its_card_or_server_goes(
    alice: Api, server: int, public_network: Any, settle: Settle
) -> None:
    public = str(public_network.pk)
    address = alice.json("POST", "network/v2.0/floatingips", {"floatingip": {}})["floatingip"]
    plug(alice, server, public, status=400)
    plug(alice, server, public, "198.18.0.200", status=404)
    port = plug(alice, server, public, address["floating_ip_address"])["port"]
    settle()
    found = alice.get(f"network/v2.0/floatingips/{address['id']}")["floatingip"]
    assert (found["port_id"], found["instance_id"]) == (port["id"], str(server))
    alice.json("DELETE", f"network/v2.0/floatingips/{address['id']}", status=409)
    alice.json("DELETE", f"compute/v2.0/os-floating-ips/{address['id']}", status=409)
    alice.json("DELETE", f"{PORTS}/{port['id']}", status=204)
    settle()
    plug(alice, server, public, address["floating_ip_address"])
    settle()
    alice.json("DELETE", f"{SERVERS}/{server}", status=204)
    settle()
    assert not Port.objects.exists()
    assert IPAddress.objects.get(floating_ip=True).port is None
    alice.json("DELETE", f"network/v2.0/floatingips/{address['id']}", status=204)


def test_a_floating_ip_may_wait_on_a_port(
    alice: Api, order: Any, public_network: Any, settle: Settle
) -> None:
    address = alice.json("POST", "network/v2.0/floatingips", {"floatingip": {}})["floatingip"]
    fixed = [{"ip_address": address["floating_ip_address"]}]
    body = {"port": {"network_id": str(public_network.pk), "fixed_ips": fixed}}
    port = alice.json("POST", PORTS, body, status=201)["port"]
    assert (port["status"], port["device_id"]) == ("DOWN", None)
    order["server"]["networks"] = [{"port": port["id"]}]
    made = alice.json("POST", SERVERS, order, status=202)["server"]["id"]
    settle()
    assert shown(alice, made)["attachments"][0]["ipv4"] == address["floating_ip_address"]


def test_a_card_that_the_engine_refuses_is_broken_and_can_be_thrown_away(
    alice: Api, server: int, second: str, engine_room: Any, settle: Settle
) -> None:
    for _ in range(5):
        engine_room.fail_next_job("plug", "no slot")
    port = plug(alice, server, second)["port"]
    settle()
    assert alice.get(f"{PORTS}/{port['id']}")["port"]["status"] == "ERROR"
    found = shown(alice, server)
    assert (found["status"], found["SNF:task_state"], len(found["attachments"])) == ("ACTIVE", "", 1)
    assert found["diagnostics"][0]["message"] == "no slot"
    alice.json("DELETE", f"{PORTS}/{port['id']}", status=204)
    settle()
    alice.get(f"{PORTS}/{port['id']}", status=404)


def test_cards_are_not_changed_of_servers_that_are_busy_full_suspended_or_anothers(
    alice: Api, bob: Api, server: int, second: str, settle: Settle, settings: Any
) -> None:
    plug(bob, server, second, status=404)
    mine = plug(alice, server, second)["port"]["id"]
    assert "a pending 'CONNECT'" in plug(alice, server, second, status=400)["badRequest"]["message"]
    alice.json("DELETE", f"{PORTS}/{mine}", status=400)
    settle()
    bob.json("DELETE", f"{PORTS}/{mine}", status=404)
    settings.CYCLADES_MAX_NICS = 2
    assert "at most 2" in plug(alice, server, second, status=400)["badRequest"]["message"]
    Server.objects.update(suspended=True)
    plug(alice, server, second, status=403)
    alice.json("DELETE", f"{PORTS}/{mine}", status=403)


def test_tags_come_and_go(alice: Api, server: int) -> None:
    path = f"{SERVERS}/{server}/tags"
    assert alice.get(path) == {"tags": [], "statuses": []}
    alice.json("DELETE", path, status=404)
    answer = alice("PUT", f"{path}/blue%20sky")
    assert (answer.status_code, answer["Location"]) == (201, f"http://testserver/cyclades/{path}/blue%20sky")
    alice.json("PUT", f"{path}/blue%20sky", status=204)
    answer = alice("GET", f"{path}/blue%20sky")
    assert (answer.status_code, answer["tag-status"]) == (204, "ACTIVE")
    replaced = alice.json("PUT", path, {"tags": ["blue sky", "red", "red"]})
    assert replaced == {"tags": ["blue sky", "red"], "statuses": ["ACTIVE", "PENDADD"]}
    assert shown(alice, server)["tags"] == ["blue sky", "red"]
    alice.json("DELETE", f"{path}/red", status=204)
    alice.json("DELETE", f"{path}/red", status=404)
    assert alice.json("GET", f"{path}/red", status=404) is None
    alice.json("DELETE", path, status=204)
    assert shown(alice, server)["tags"] == []


@pytest.mark.parametrize("body", [{}, {"tags": "x"}, {"tags": [1]}, {"tags": ["a,b"]}, {"tags": ["x" * 47]}])
def test_words_that_are_no_tags(alice: Api, server: int, body: Any) -> None:
    assert "badRequest" in alice.json("PUT", f"{SERVERS}/{server}/tags", body, status=400)
    alice.json("PUT", f"{SERVERS}/{server}/tags/a,b", status=400)


def test_the_name_in_dns_is_the_operators(alice: Api, server: int, settings: Any) -> None:
    assert shown(alice, server)["SNF:fqdn"] is None
    settings.CYCLADES_SERVERS_FQDN = "snf-%(id)s.vm.example.org"
    assert shown(alice, server)["SNF:fqdn"] == f"snf-{server}.vm.example.org"
