"""Servers as kamaki meets them: shapes, codes, and what a server goes through."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone

from synnefo.astakos.quotas.models import Holding
from synnefo.cyclades.servers.models import Server
from tests.cyclades_synnefo.conftest import PUBLIC_KEY, Api, World

SERVERS = "compute/v2.0/servers"
KEYS = {
    "id", "name", "links", "user_id", "tenant_id", "shared_to_project", "status", "SNF:task_state",
    "progress", "hostId", "updated", "created", "flavor", "image", "suspended", "metadata", "tags",
    "attachments", "addresses", "volumes", "diagnostics", "security_groups", "key_name", "SNF:key_names",
    "config_drive", "accessIPv4", "accessIPv6", "SNF:fqdn", "SNF:port_forwarding", "deleted", "SNF:rescue",
}  # fmt: skip
Settle = Callable[[], None]


def act(api: Api, server: int, body: object, status: int = 202) -> Any:
    return api.json("POST", f"{SERVERS}/{server}/action", body, status=status)


def shown(api: Api, server: int) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"{SERVERS}/{server}")["server"]
    return found


def test_a_server_from_its_creation_to_its_deletion(
    alice: Api, order: dict[str, Any], flavor: Any, image: Any, lan: dict[str, str], settle: Settle
) -> None:
    order["server"] |= {"metadata": {"os": "linux", "users": "root"}}
    made = alice.json("POST", SERVERS, order, status=202)["server"]
    assert made.keys() == {*KEYS, "adminPass"}
    assert (made["status"], made["SNF:task_state"], made["progress"]) == ("BUILD", "BUILDING", 0)
    assert made["attachments"] == []
    assert made["metadata"] == {"os": "linux", "users": "root"}
    assert made["flavor"]["id"] == flavor.pk
    assert [link["rel"] for link in made["image"]["links"]] == ["self", "bookmark", "alternate"]
    number = made["id"]
    assert isinstance(number, int)
    assert act(alice, number, {"shutdown": {}}, 409)["buildInProgress"]["code"] == 409
    settle()

    running = shown(alice, number)
    assert running.keys() == KEYS
    assert (running["status"], running["SNF:task_state"], running["progress"]) == ("ACTIVE", "", 100)
    [card] = running["attachments"]
    assert card.keys() == {"id", "network_id", "mac_address", "ipv4", "ipv6", "OS-EXT-IPS:type"}
    assert (card["network_id"], card["ipv4"], card["ipv6"]) == (lan["network"], "10.0.0.2", "")
    address = {"version": 4, "addr": "10.0.0.2", "OS-EXT-IPS:type": "fixed"}
    assert running["addresses"] == {lan["network"]: [address]}
    assert running["links"][0]["href"].endswith(f"/cyclades/{SERVERS}/{number}")
    assert datetime.datetime.fromisoformat(running["created"]).utcoffset() == datetime.timedelta(0)

    assert act(alice, number, {"start": {}}, 400)["badRequest"]
    act(alice, number, {"shutdown": None})
    assert shown(alice, number)["SNF:task_state"] == "STOPPING"
    assert act(alice, number, {"reboot": {}}, 400)["badRequest"]
    settle()
    assert shown(alice, number)["status"] == "STOPPED"
    assert act(alice, number, {"shutdown": {}}, 400)["badRequest"]
    act(alice, number, {"os-start": {}})
    settle()
    act(alice, number, {"reboot": {"type": "HARD"}})
    assert shown(alice, number)["status"] == "REBOOT"
    settle()
    assert shown(alice, number)["status"] == "ACTIVE"

    assert alice.json("DELETE", f"{SERVERS}/{number}", status=204) is None
    settle()
    gone = shown(alice, number)
    assert (gone["status"], gone["deleted"], gone["attachments"]) == ("DELETED", True, [])
    assert alice.get(SERVERS)["servers"] == []
    for method, path, body in (
        ("DELETE", "", None),
        ("PUT", "", {"server": {"name": "x"}}),
        ("POST", "/action", {"start": {}}),
        ("POST", "/metadata", {"metadata": {"a": "b"}}),
    ):
        fault = alice.json(method, f"{SERVERS}/{number}{path}", body, status=400)["badRequest"]
        assert fault["message"] == "Server has been deleted."


def test_lists_are_brief_or_detailed_and_ascend(alice: Api, order: dict[str, Any], settle: Settle) -> None:
    made = [alice.json("POST", SERVERS, order, status=202)["server"]["id"] for _ in range(3)]
    settle()
    brief = alice.get(SERVERS)["servers"]
    assert [row["id"] for row in brief] == sorted(made)
    assert all(row.keys() == {"id", "name", "links"} for row in brief)
    assert alice.get(f"{SERVERS}/detail")["servers"] == [shown(alice, number) for number in sorted(made)]


def test_what_changed_since_a_moment_is_told_with_what_was_deleted(
    alice: Api, order: dict[str, Any], server: int, settle: Settle
) -> None:
    old = timezone.now() - datetime.timedelta(minutes=30)
    Server.objects.filter(pk=server).update(updated=old)
    other = alice.json("POST", SERVERS, order, status=202)["server"]["id"]
    settle()
    alice.json("DELETE", f"{SERVERS}/{other}", status=204)
    settle()
    since = quote((old + datetime.timedelta(minutes=1)).isoformat())
    [changed] = alice.get(f"{SERVERS}/detail?changes-since={since}")["servers"]
    assert (changed["id"], changed["status"], changed["deleted"]) == (other, "DELETED", True)
    before = (old - datetime.timedelta(seconds=1)).isoformat()  # clients send its "+" as it is
    assert len(alice.get(f"{SERVERS}?changes-since={before}")["servers"]) == 2
    now = quote(timezone.now().isoformat())
    answer = alice("GET", f"{SERVERS}/detail?changes-since={now}")
    assert (answer.status_code, answer.content) == (304, b"")
    for path in ("network/v2.0/networks", "network/v2.0/subnets", "compute/v2.0/images"):
        assert alice("GET", f"{path}?changes-since={now}").status_code == 304, path


def test_metadata(alice: Api, server: int) -> None:
    path = f"{SERVERS}/{server}/metadata"
    assert alice.json("POST", path, {"metadata": {"a": "1"}}, status=201) == {"metadata": {"a": "1"}}
    merged = alice.json("POST", path, {"metadata": {"b": "2"}}, status=201)
    assert merged == {"metadata": {"a": "1", "b": "2"}}
    assert alice.json("PUT", f"{path}/b", {"meta": {"b": "3"}}, status=201) == {"meta": {"b": "3"}}
    assert alice.get(f"{path}/b") == {"meta": {"b": "3"}}
    alice.json("PUT", f"{path}/b", {"meta": {"other": "3"}}, status=400)
    alice.json("PUT", f"{path}/b", {"meta": {"b": "3", "c": "4"}}, status=400)
    alice.json("DELETE", f"{path}/b", status=204)
    assert alice.json("DELETE", f"{path}/b", status=404)["itemNotFound"]
    alice.get(f"{path}/b", status=404)
    assert alice.get(path) == {"metadata": {"a": "1"}}


def test_more_metadata_than_there_may_be_is_a_bad_request(alice: Api, server: int, settings: Any) -> None:
    settings.CYCLADES_VM_MAX_METADATA = 2
    path = f"{SERVERS}/{server}/metadata"
    alice.json("POST", path, {"metadata": {"a": "1", "b": "1", "c": "1"}}, status=400)
    alice.json("POST", path, {"metadata": {"a": "1", "b": "1"}}, status=201)
    assert "badRequest" in alice.json("POST", path, {"metadata": {"c": "1"}}, status=400)


def test_renaming_answers_nothing(alice: Api, server: int) -> None:
    assert alice.json("PUT", f"{SERVERS}/{server}", {"server": {"name": "new"}}, status=204) is None
    assert shown(alice, server)["name"] == "new"
    fault = alice.json("PUT", f"{SERVERS}/{server}", {"server": {}}, status=400)["badRequest"]
    assert fault["message"] == "Malformed request. Missing attribute 'name'."


def test_a_floating_ip_is_a_card_of_a_server_and_taken_away(
    alice: Api, bob: Api, server: int, public_network: Any, settle: Settle
) -> None:
    made = alice.json("POST", "network/v2.0/floatingips", {"floatingip": {}})["floatingip"]
    assert made.keys() == {
        "id", "fixed_ip_address", "instance_id", "floating_ip_address", "port_id", "floating_network_id",
        "user_id", "tenant_id", "shared_to_project", "deleted",
    }  # fmt: skip
    assert made["instance_id"] is made["port_id"] is made["fixed_ip_address"] is None
    body = {"addFloatingIp": {"address": made["floating_ip_address"]}}
    act(bob, server, body, 404)
    act(alice, server, {"addFloatingIp": {"address": "1.2.3.4"}}, 404)
    act(alice, server, body)
    act(alice, server, body, 400)
    settle()
    act(alice, server, body, 409)
    used = alice.get(f"network/v2.0/floatingips/{made['id']}")["floatingip"]
    found = shown(alice, server)
    assert used["instance_id"] == str(server)
    assert used["port_id"] == str(found["attachments"][1]["id"])
    assert found["attachments"][1]["OS-EXT-IPS:type"] == "floating"
    floating = {"version": 4, "addr": made["floating_ip_address"], "OS-EXT-IPS:type": "floating"}
    assert found["addresses"][str(public_network.pk)] == [floating]
    addresses = alice.get(f"{SERVERS}/{server}/ips")
    assert addresses == {"addresses": found["addresses"], "attachments": found["attachments"]}
    one = alice.get(f"{SERVERS}/{server}/ips/{public_network.pk}")
    assert one == {"network": {str(public_network.pk): [floating]}}
    alice.get(f"{SERVERS}/{server}/ips/999", status=404)
    alice.json("DELETE", f"network/v2.0/floatingips/{made['id']}", status=409)

    act(alice, server, {"removeFloatingIp": {"address": made["floating_ip_address"]}})
    settle()
    act(alice, server, {"removeFloatingIp": {"address": made["floating_ip_address"]}}, 400)
    assert str(public_network.pk) not in shown(alice, server)["addresses"]
    alice.json("DELETE", f"network/v2.0/floatingips/{made['id']}", status=204)


def test_the_console_is_a_page(alice: Api, server: int, settle: Settle) -> None:
    console = act(alice, server, {"os-getVNCConsole": {"type": "novnc"}}, 200)["console"]
    assert console["type"] == "novnc"
    assert "/ui/console/#ticket=" in console["url"]
    for body, status in (
        ({"os-getVNCConsole": {"type": "x"}}, 400),
        ({"os-getSPICEConsole": {"type": "x"}}, 501),
        ({"os-getRDPConsole": {"type": "x"}}, 501),
        ({"console": {"type": "bad"}}, 400),
    ):
        act(alice, server, body, status)
    for kind, port in (("vnc", 8084), ("vnc-ws", 8081), ("vnc-wss", 8081)):
        found = act(alice, server, {"console": {"type": kind}}, 200)["console"]
        assert found == {"type": kind, "host": "testserver", "port": port, "password": found["password"]}
        assert len(found["password"]) == 8
    url = act(alice, server, {"os-getVNCConsole": {"type": "xvpvnc"}}, 200)["console"]["url"]
    assert url.startswith("testserver:8084?password=")
    act(alice, server, {"shutdown": {}})
    settle()
    assert act(alice, server, {"os-getVNCConsole": {"type": "novnc"}}, 400)["badRequest"]
    assert act(alice, server, {"console": {"type": "vnc"}}, 400)["badRequest"]


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        ({}, 400, "badRequest"),
        ({"bogus": {}}, 400, "badRequest"),
        ({"rebuild": {}}, 400, "badRequest"),
        ({"changePassword": {"adminPass": "x"}}, 400, "badRequest"),
        ({"confirmResize": None}, 400, "badRequest"),
        ({"createImage": {}}, 400, "badRequest"),
        ({"delete": {}}, 400, "badRequest"),
        ({"reboot": None}, 400, "badRequest"),
        ({"reboot": {"type": "BAD"}}, 400, "badRequest"),
        ({"start": "now"}, 400, "badRequest"),
        ({"addFloatingIp": {}}, 400, "badRequest"),
        ({"suspend": {}}, 403, "forbidden"),
        ({"rescue": {}, "rescue_image_ref": 1}, 400, "badRequest"),
        ({"unrescue": {}}, 400, "badRequest"),
        ({"resize": {}}, 400, "badRequest"),
        ({"firewallProfile": {"profile": "ENABLED"}}, 400, "badRequest"),
        ({"firewallProfile": {"profile": "BAD", "nic": 1}}, 400, "badRequest"),
        ({"firewallProfile": {"profile": "ENABLED", "nic": 9999}}, 404, "itemNotFound"),
        ({"reassign": {}}, 400, "badRequest"),
        ({"reassign": {"project": "x"}}, 400, "badRequest"),
    ],
)
def test_what_cannot_be_done_is_said(alice: Api, server: int, body: object, status: int, name: str) -> None:
    assert act(alice, server, body, status)[name]["code"] == status


def test_the_size_that_a_server_has_is_no_other_size(alice: Api, server: int, flavor: Any) -> None:
    assert "badRequest" in act(alice, server, {"resize": {"flavorRef": flavor.pk}}, 400)


def test_a_suspended_server_takes_no_commands(alice: Api, server: int) -> None:
    Server.objects.filter(pk=server).update(suspended=True)
    assert shown(alice, server)["suspended"] is True
    for method, path, body in (
        ("DELETE", "", None),
        ("PUT", "", {"server": {"name": "x"}}),
        ("POST", "/action", {"shutdown": {}}),
        ("POST", "/action", {"console": {"type": "vnc"}}),
        ("POST", "/metadata", {"metadata": {"a": "b"}}),
    ):
        assert "forbidden" in alice.json(method, f"{SERVERS}/{server}{path}", body, status=403)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"flavorRef": 9999}, 404),
        ({"flavorRef": "x"}, 400),
        ({"imageRef": "nope"}, 400),
        ({"imageRef": "11111111-2222-4333-8444-555555555555"}, 404),
        ({"name": "x" * 300}, 400),
        ({"name": None}, 400),
        ({"networks": [{"uuid": "9999"}]}, 404),
        ({"networks": [{}]}, 400),
        ({"networks": "x"}, 400),
        ({"networks": [{"port": "9999"}]}, 404),
        ({"project": "nope"}, 400),
        ({"key_name": "none"}, 404),
        ({"SNF:key_names": ["none"]}, 404),
        ({"key_name": "a", "SNF:key_names": ["b"]}, 400),
        ({"user_data": "!"}, 400),
        ({"adminPass": "short"}, 400),
        ({"adminPass": "all-lower-case"}, 400),
        ({"metadata": {"a": 1}}, 400),
        ({"metadata": []}, 400),
        ({"shared_to_project": "yes"}, 400),
        ({"personality": [{"path": "/x", "contents": "!"}]}, 400),
        ({"personality": [{"path": "/x", "contents": "", "colour": "red"}]}, 400),
        ({"personality": [{"path": "/x", "contents": "QUJD" * 4000}]}, 413),
        ({"personality": [{"path": "/x", "contents": ""}] * 6}, 413),
        ({"block_device_mapping_v2": [{"source_type": "blank", "volume_size": 1}]}, 400),
        ({"block_device_mapping_v2": [{"source_type": "image"}]}, 400),
        ({"block_device_mapping_v2": [{"source_type": "cake", "uuid": "1"}]}, 400),
        ({"block_device_mapping_v2": [{"source_type": "volume", "uuid": "9999"}]}, 404),
        ({"block_device_mapping_v2": [{}]}, 400),
        ({"tags": "blue"}, 400),
        ({"tags": ["blue", 7]}, 400),
        ({"tags": ["a/b"]}, 400),
        ({"tags": ["x" * 47]}, 400),
        ({"tags": [str(number) for number in range(51)]}, 400),
        ({"personality": "x"}, 400),
    ],
)
def test_a_server_that_cannot_be_made(
    alice: Api, order: dict[str, Any], change: dict[str, Any], status: int
) -> None:
    order["server"] |= change
    alice.json("POST", SERVERS, order, status=status)
    assert not Server.objects.exists()


def test_networks_left_out_are_none_and_on_the_public_one_is_a_floating_ip(
    alice: Api, order: dict[str, Any], public_network: Any, settle: Settle
) -> None:
    del order["server"]["networks"]
    made = alice.json("POST", SERVERS, order, status=202)["server"]["id"]
    settle()
    assert shown(alice, made)["attachments"] == []
    order["server"]["networks"] = [{"uuid": str(public_network.pk)}]
    assert "conflict" in alice.json("POST", SERVERS, order, status=409)
    order["server"]["networks"] = [{"uuid": str(public_network.pk), "fixed_ip": "198.18.0.77"}]
    assert "itemNotFound" in alice.json("POST", SERVERS, order, status=404)
    floating = alice.json("POST", "network/v2.0/floatingips", {"floatingip": {}})["floatingip"]
    order["server"]["networks"][0]["fixed_ip"] = floating["floating_ip_address"]
    made = alice.json("POST", SERVERS, order, status=202)["server"]["id"]
    assert "conflict" in alice.json("POST", SERVERS, order, status=409)
    settle()
    [card] = shown(alice, made)["attachments"]
    assert (card["ipv4"], card["OS-EXT-IPS:type"]) == (floating["floating_ip_address"], "floating")


def test_a_server_gets_the_key_and_the_port_that_are_named(
    alice: Api, order: dict[str, Any], lan: dict[str, str], settle: Settle
) -> None:
    alice.json(
        "POST", "compute/v2.0/os-keypairs", {"keypair": {"name": "k", "public_key": PUBLIC_KEY}}, status=201
    )
    body = {"port": {"network_id": lan["network"], "fixed_ips": [{"ip_address": "10.0.0.99"}]}}
    port = alice.json("POST", "network/v2.0/ports", body, status=201)["port"]
    order["server"] |= {"SNF:key_names": ["k", "k"], "networks": [{"port": port["id"]}]}
    made = alice.json("POST", SERVERS, order, status=202)["server"]["id"]
    settle()
    found = shown(alice, made)
    assert (found["key_name"], found["SNF:key_names"]) == ("k", ["k"])
    assert [(card["id"], card["ipv4"]) for card in found["attachments"]] == [(int(port["id"]), "10.0.0.99")]
    assert alice.get(f"network/v2.0/ports/{port['id']}")["port"]["device_id"] == str(made)


def test_what_quota_forbids_is_over_limit_with_the_numbers_in_details(
    alice: Api, order: dict[str, Any], cloud: Any
) -> None:
    holder = f"user:{cloud.alice.user.uuid}"
    Holding.objects.filter(holder=holder, resource="cyclades.vm").update(limit=0)
    fault = alice.json("POST", SERVERS, order, status=413)["overLimit"]
    assert fault.keys() == {"code", "message", "details"}
    assert fault["message"] == "Resource Limit Exceeded for your account."
    assert fault["details"].endswith("exceeded for your account. Available: 0, Requested: 1")


def test_what_failed_is_in_the_diagnostics(
    alice: Api, order: dict[str, Any], engine_room: Any, settle: Settle
) -> None:
    engine_room.fail_next_job("create", "the disk is on fire")
    made = alice.json("POST", SERVERS, order, status=202)["server"]["id"]
    assert alice.get(f"{SERVERS}/{made}/diagnostics") == []
    settle()
    [entry] = alice.get(f"{SERVERS}/{made}/diagnostics")
    assert entry.keys() == {"source", "source_date", "created", "message", "details", "level"}
    assert "the disk is on fire" in entry["message"]
    found = shown(alice, made)
    assert (found["status"], found["diagnostics"]) == ("ERROR", [entry])
    assert act(alice, made, {"start": {}}, 400)["badRequest"]


def test_a_list_of_many_takes_as_many_queries_as_one_of_one(
    world: World, settle: Settle, django_assert_max_num_queries: Any
) -> None:
    ids = world.ids
    wanted = {"name": "more", "flavorRef": ids["flavor"], "imageRef": ids["image"]}
    order = {"server": {**wanted, "networks": [{"uuid": ids["network"]}]}}
    for _ in range(4):
        world.alice.json("POST", SERVERS, order, status=202)
    settle()
    with django_assert_max_num_queries(12):
        assert len(world.alice.get(f"{SERVERS}/detail")["servers"]) == 5
