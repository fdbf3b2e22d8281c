"""Servers in compute v2.1: their life, exactly Nova's keys, filters, pages, refusals."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from synnefo.cyclades.backends.base import BackendError
from tests.conftest import People
from tests.cyclades_api.conftest import PUBLIC_KEY, Api

SERVERS = "compute/v2.1/servers"
#: What Nova 2.1 shows of a server; clients' schemas allow nothing else.
KEYS = {
    "id", "name", "status", "tenant_id", "user_id", "metadata", "hostId", "image", "flavor", "created",
    "updated", "addresses", "accessIPv4", "accessIPv6", "links", "progress", "OS-DCF:diskConfig",
    "OS-EXT-AZ:availability_zone", "OS-EXT-STS:task_state", "OS-EXT-STS:vm_state", "OS-EXT-STS:power_state",
    "OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at", "config_drive", "key_name",
    "os-extended-volumes:volumes_attached", "security_groups",
}  # fmt: skip
Settle = Callable[[], None]
Picture = Callable[[], dict[str, Any]]


def state(alice: Api, server: str) -> tuple[str, str | None, str, int]:
    shown = alice.json("GET", f"{SERVERS}/{server}")["server"]
    return (shown["status"], *(shown[f"OS-EXT-STS:{key}_state"] for key in ("task", "vm", "power")))


def act(api: Api, server: str, action: dict[str, Any]) -> Any:
    return api("POST", f"{SERVERS}/{server}/action", action)


def test_a_server_lives_as_clients_expect(alice: Api, order: dict[str, Any], settle: Settle) -> None:
    answer = alice("POST", SERVERS, order)
    assert answer.status_code == 202
    made = answer.json()["server"]
    assert set(made) == {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}
    assert answer["Location"] == made["links"][0]["href"]
    assert answer["X-Compute-Request-Id"] == answer["X-Openstack-Request-Id"]
    server = made["id"]
    assert state(alice, server) == ("BUILD", "spawning", "building", 0)
    settle()
    assert state(alice, server) == ("ACTIVE", None, "active", 1)
    for action, status, between, after in (
        ({"os-stop": None}, "ACTIVE", "powering-off", ("SHUTOFF", None, "stopped", 4)),
        ({"os-start": None}, "SHUTOFF", "powering-on", ("ACTIVE", None, "active", 1)),
        ({"reboot": {"type": "soft"}}, "REBOOT", "rebooting", ("ACTIVE", None, "active", 1)),
        ({"reboot": {"type": "HARD"}}, "REBOOT", "rebooting", ("ACTIVE", None, "active", 1)),
    ):
        assert act(alice, server, action).status_code == 202
        assert state(alice, server)[:2] == (status, between)
        settle()
        assert state(alice, server) == after
    assert alice("DELETE", f"{SERVERS}/{server}").status_code == 204
    assert state(alice, server)[:2] == ("ACTIVE", "deleting")
    settle()
    assert alice("GET", f"{SERVERS}/{server}").status_code == 404
    assert alice.json("GET", "network/v2.0/ports")["ports"] == []


def test_a_server_has_exactly_the_keys_of_nova(alice: Api, server: str) -> None:
    shown = alice.json("GET", f"{SERVERS}/{server}")["server"]
    assert set(shown) == KEYS
    assert set(shown["image"]) == {"id", "links"}
    assert set(shown["flavor"]) == {"id", "links"}
    [brief] = alice.json("GET", SERVERS)["servers"]
    assert set(brief) == {"id", "name", "links"}
    assert [link["rel"] for link in brief["links"]] == ["self", "bookmark"]
    assert alice.json("GET", f"{SERVERS}/detail")["servers"] == [shown]


def test_what_was_asked_for_is_there(
    alice: Api, order: dict[str, Any], settle: Settle, engine_room: Any, lan: dict[str, str]
) -> None:
    alice.json("POST", "compute/v2.1/os-keypairs", {"keypair": {"name": "k", "public_key": PUBLIC_KEY}})
    script = base64.b64encode(b"#!/bin/sh\n").decode()
    order["server"] |= {"key_name": "k", "user_data": script, "adminPass": "Given-1", "metadata": {"a": "b"}}
    order["server"]["networks"] = [{"uuid": lan["network"], "fixed_ip": "10.0.0.50"}]
    made = alice.json("POST", SERVERS, order)["server"]
    assert made["adminPass"] == "Given-1"
    settle()
    [instance] = engine_room.engine.instances.values()
    assert instance.spec.guest.ssh_keys == (PUBLIC_KEY,)
    assert instance.spec.guest.user_data == b"#!/bin/sh\n"
    assert instance.spec.guest.admin_password == "Given-1"
    assert instance.spec.guest.metadata == {"a": "b"}
    shown = alice.json("GET", f"{SERVERS}/{made['id']}")["server"]
    assert shown["key_name"] == "k"
    assert shown["metadata"] == {"a": "b"}
    assert [row["addr"] for row in shown["addresses"]["lan"]] == ["10.0.0.50"]


def test_addresses_are_fixed_and_floating(alice: Api, server: str, public_network: Any) -> None:
    [port] = alice.json("GET", f"network/v2.0/ports?device_id={server}")["ports"]
    body = {"floatingip": {"floating_network_id": public_network.uuid, "port_id": port["id"]}}
    outer = alice.json("POST", "network/v2.0/floatingips", body)["floatingip"]["floating_ip_address"]
    inner = port["fixed_ips"][0]["ip_address"]
    shown = alice.json("GET", f"{SERVERS}/{server}")["server"]["addresses"]
    mac = {"version": 4, "OS-EXT-IPS-MAC:mac_addr": port["mac_address"]}
    assert shown == {
        "lan": [
            {**mac, "addr": inner, "OS-EXT-IPS:type": "fixed"},
            {**mac, "addr": outer, "OS-EXT-IPS:type": "floating"},
        ]
    }
    plain = [{"version": 4, "addr": inner}, {"version": 4, "addr": outer}]
    assert alice.json("GET", f"{SERVERS}/{server}/ips") == {"addresses": {"lan": plain}}
    assert alice.json("GET", f"{SERVERS}/{server}/ips/lan") == {"lan": plain}
    assert alice.get(f"{SERVERS}/{server}/ips/nolan").status_code == 404
    [card] = alice.json("GET", f"{SERVERS}/{server}/os-interface")["interfaceAttachments"]
    assert card["port_id"] == port["id"]
    assert card["fixed_ips"] == port["fixed_ips"]
    assert alice.json("GET", f"{SERVERS}/{server}/os-interface/{port['id']}")["interfaceAttachment"] == card


def test_a_server_that_could_not_be_made_says_why(
    alice: Api, order: dict[str, Any], settle: Settle, engine_room: Any
) -> None:
    engine_room.fail_next_job("create", "the disk is on fire")
    server = alice.json("POST", SERVERS, order)["server"]["id"]
    settle()
    shown = alice.json("GET", f"{SERVERS}/{server}")["server"]
    assert shown["status"] == "ERROR"
    assert shown["OS-EXT-STS:vm_state"] == "error"
    assert shown["fault"]["message"] == "the disk is on fire"
    assert set(shown) == KEYS - {"progress"} | {"fault"}
    assert act(alice, server, {"os-start": None}).status_code == 409
    [action] = alice.json("GET", f"{SERVERS}/{server}/os-instance-actions")["instanceActions"]
    assert (action["action"], action["message"]) == ("create", "Error")


@pytest.mark.parametrize(
    "change",
    [
        {"networks": "auto"},
        {"networks": "none"},
        {"networks": [{}]},
        {"networks": [{"uuid": "11111111-2222-4333-8444-555555555555"}]},
        {"networks": [{"port": "11111111-2222-4333-8444-555555555555"}]},
        {"name": ""},
        {"name": " "},
        {"name": "x" * 256},
        {"imageRef": ""},
        {"flavorRef": "no-such-flavor"},
        {"flavorRef": 1},
        {"key_name": "no-such-key"},
        {"user_data": "not base 64!"},
        {"metadata": {"k": 1}},
        {"metadata": {"": "v"}},
        {"metadata": {"k" * 256: "v"}},
        {"metadata": {"k": "v" * 256}},
        {"min_count": 0},
        {"max_count": "-1"},
        {"min_count": 3, "max_count": 2},
        {"max_count": 2.5},
        {"availability_zone": "mars"},
        {"security_groups": [{"name": "others"}]},
        {"personality": [{"path": "/etc/motd", "contents": "*"}]},
        {"accessIPv4": "192.0.2.256"},
        {"accessIPv6": "192.0.2.1"},
        {"OS-DCF:diskConfig": "PERHAPS"},
        {"config_drive": "perhaps"},
        {"block_device_mapping_v2": [{"source_type": "blank", "destination_type": "volume", "uuid": None}]},
        {
            "block_device_mapping_v2": [
                {"source_type": "image", "destination_type": "volume", "volume_size": 5}
            ]
        },
    ],
    ids=str,
)
def test_orders_that_cannot_be_filled_are_refused(
    alice: Api, order: dict[str, Any], change: dict[str, Any], picture: Picture
) -> None:
    order["server"] |= change
    before = picture()
    answer = alice("POST", SERVERS, order)
    assert answer.status_code == 400, answer.content
    assert answer.json()["badRequest"]["message"]
    assert picture() == before


def test_an_unknown_image_is_a_bad_order(alice: Api, order: dict[str, Any], picture: Picture) -> None:
    order["server"]["imageRef"] = "11111111-2222-4333-8444-555555555555"
    before = picture()
    answer = alice("POST", SERVERS, order)
    assert answer.status_code == 400
    assert picture() == before


def test_without_networks_the_only_one_is_taken(
    alice: Api, order: dict[str, Any], lan: dict[str, str]
) -> None:
    del order["server"]["networks"]
    server = alice.json("POST", SERVERS, order)["server"]["id"]
    [card] = alice.json("GET", f"{SERVERS}/{server}/os-interface")["interfaceAttachments"]
    assert card["net_id"] == lan["network"]
    alice.json("POST", "network/v2.0/networks", {"network": {"name": "second"}})
    order["server"]["networks"] = []
    assert alice("POST", SERVERS, order).status_code == 409


@pytest.mark.parametrize("resource", ["cyclades.vm", "cyclades.cpu", "cyclades.total_ram", "cyclades.disk"])
def test_quota_refuses_with_403_as_nova_does(
    cloud: People, alice: Api, order: dict[str, Any], resource: str, picture: Picture
) -> None:
    from synnefo.astakos.projects import rules
    from tests.conftest import SYSTEM

    rules.set_limits(SYSTEM, rules.get(cloud.alice.user.uuid), {resource: (0, 0)})
    before = picture()
    answer = alice("POST", SERVERS, order)
    assert answer.status_code == 403
    assert "Quota exceeded" in answer.json()["forbidden"]["message"]
    assert resource in answer.json()["forbidden"]["message"]
    assert picture() == before


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ({"rescue": {"password": "x"}}, 400),
        ({"unrescue": None}, 409),
        ({"resume": None}, 409),
        ({"unpause": None}, 409),
        ({"unshelve": None}, 409),
        ({"shelveOffload": None}, 409),
        ({"confirmResize": None}, 409),
        ({"revertResize": None}, 409),
        ({"restore": None}, 409),
        ({"resize": {"flavorRef": None}}, 400),
        ({"resize": {"flavorRef": "no-such"}}, 400),
        ({"rebuild": {"imageRef": "no-such"}}, 400),
        ({"createImage": {"name": ""}}, 400),
        ({"createBackup": {"name": "x", "backup_type": "daily", "rotation": "-1"}}, 400),
        ({"addSecurityGroup": {"name": "no-such"}}, 404),
        ({"removeSecurityGroup": {"name": "no-such"}}, 404),
        ({"addFloatingIp": {"address": "192.0.2.1"}}, 404),
        ({"os-resetState": {"state": "active"}}, 403),
        ({"migrate": None}, 403),
        ({"os-getSPICEConsole": {"type": "spice-html5"}}, 400),
        ({"os-start": None, "os-stop": None}, 400),
        ({"os-start": None}, 409),
        ({"reboot": {"type": "gently"}}, 400),
        ({"reboot": {}}, 400),
        ({"reboot": None}, 400),
        ({"os-getConsoleOutput": {"length": -2}}, 400),
        ({"os-getConsoleOutput": {"length": "many"}}, 400),
        ({"os-getVNCConsole": {"type": "telepathy"}}, 400),
        ({"os-getVNCConsole": None}, 400),
    ],
    ids=str,
)
def test_actions_that_cannot_be_are_refused(
    alice: Api, server: str, action: dict[str, Any], status: int, picture: Picture
) -> None:
    before = picture()
    answer = act(alice, server, action)
    assert answer.status_code == status, answer.content
    assert picture() == before


def test_an_unknown_action_is_named(alice: Api, server: str) -> None:
    assert act(alice, server, {"fly": None}).json()["badRequest"]["message"] == "There is no such action: fly"


def test_consoles(alice: Api, server: str, settle: Settle) -> None:
    for wish in ({"length": None}, {"length": 10}, {"length": "10"}, {"length": -1}, {}, None):
        answer = act(alice, server, {"os-getConsoleOutput": wish})
        assert answer.status_code == 200, answer.content
        assert answer.json() == {"output": ""}
    console = act(alice, server, {"os-getVNCConsole": {"type": "novnc"}}).json()["console"]
    assert console["type"] == "novnc"
    assert console["url"].startswith("http://testserver/")
    act(alice, server, {"os-stop": None})
    settle()
    assert act(alice, server, {"os-getVNCConsole": {"type": "novnc"}}).status_code == 409


def test_names_and_metadata_are_changed(alice: Api, server: str) -> None:
    renamed = alice.json("PUT", f"{SERVERS}/{server}", {"server": {"name": "db-1"}}, status=200)["server"]
    assert renamed["name"] == "db-1"
    assert set(renamed) == {key for key in KEYS if not key.startswith(("OS-EXT", "OS-SRV", "os-"))} - {
        "config_drive", "key_name", "security_groups",
    }  # fmt: skip
    assert set(renamed["addresses"]["lan"][0]) == {"version", "addr"}
    assert alice.json("PUT", f"{SERVERS}/{server}", {"server": {}}, status=200)["server"]["name"] == "db-1"
    path = f"{SERVERS}/{server}/metadata"
    assert alice.json("POST", path, {"metadata": {"a": "1", "b": "2"}}) == {"metadata": {"a": "1", "b": "2"}}
    assert alice.json("POST", path, {"metadata": {"b": "3"}}) == {"metadata": {"a": "1", "b": "3"}}
    assert alice.json("PUT", f"{path}/c", {"meta": {"c": "4"}}, status=200) == {"meta": {"c": "4"}}
    assert alice.json("GET", f"{path}/c") == {"meta": {"c": "4"}}
    assert alice("PUT", f"{path}/c", {"meta": {"d": "4"}}).status_code == 400
    assert alice("DELETE", f"{path}/c").status_code == 204
    assert alice("DELETE", f"{path}/c").status_code == 404
    assert alice.get(f"{path}/c").status_code == 404
    assert alice.json("PUT", path, {"metadata": {"z": "9"}}) == {"metadata": {"z": "9"}}
    assert alice.json("GET", path) == {"metadata": {"z": "9"}}


def test_too_much_metadata_is_forbidden(alice: Api, server: str, settings: Any, picture: Picture) -> None:
    settings.CYCLADES_VM_MAX_METADATA = 2
    before = picture()
    wanted = {"metadata": {str(number): "" for number in range(3)}}
    assert alice("POST", f"{SERVERS}/{server}/metadata", wanted).status_code == 403
    assert picture() == before


@pytest.fixture
def three(alice: Api, order: dict[str, Any], settle: Settle) -> dict[str, str]:
    """Ids of servers by name; the middle one is stopped."""
    made = {}
    for name in ("web-1", "web-2", "db.1"):
        order["server"]["name"] = name
        made[name] = alice.json("POST", SERVERS, order)["server"]["id"]
    settle()
    act(alice, made["web-2"], {"os-stop": None})
    settle()
    return made


def test_lists_are_filtered(alice: Api, three: dict[str, str], flavor: Any, image: Any) -> None:
    def names(query: str) -> list[str]:
        return sorted(row["name"] for row in alice.json("GET", f"{SERVERS}/detail?{query}")["servers"])

    everything = ["db.1", "web-1", "web-2"]
    assert names("") == everything
    assert names("name=web") == ["web-1", "web-2"]
    assert names("name=^web-1$") == ["web-1"]
    assert names("name=1$") == ["db.1", "web-1"]
    assert names("name=db%5C.1") == ["db.1"]
    assert names("name=absent") == []
    assert names("status=ACTIVE") == ["db.1", "web-1"]
    assert names("status=shutoff") == ["web-2"]
    assert names("status=SHUTOFF&status=ERROR") == ["web-2"]
    assert names("status=NONSENSE") == []
    assert names(f"flavor={flavor.uuid}") == everything
    assert names(f"image={image.uuid}") == everything
    assert names("image=x") == []
    address = alice.json("GET", f"{SERVERS}/{three['web-1']}/ips")["addresses"]["lan"][0]["addr"]
    assert names(f"ip=^{address}$") == ["web-1"]
    assert names("unknown=filter&deleted=False") == everything
    later = (timezone.now() + datetime.timedelta(hours=1)).isoformat().replace("+", "%2B")
    assert names(f"changes-since={later}") == []
    assert names("changes-since=2020-01-01T00:00:00Z") == everything


def test_lists_go_page_by_page(alice: Api, three: dict[str, str]) -> None:
    for path in (SERVERS, f"{SERVERS}/detail"):
        seen, url = [], f"{path}?limit=2&name=1"
        while url:
            page = alice.json("GET", url)
            seen += [row["id"] for row in page["servers"]]
            links = page.get("servers_links")
            url = links[0]["href"].partition("/openstack/")[2] if links else ""
        assert seen == [three["db.1"], three["web-1"]]
    assert len(alice.json("GET", f"{SERVERS}?limit=1")["servers"]) == 1
    assert "servers_links" not in alice.json("GET", f"{SERVERS}?limit=3")


def test_administrators_list_all_projects_and_what_is_gone(
    alice: Api, admin: Api, three: dict[str, str], settle: Settle
) -> None:
    assert alice.get(f"{SERVERS}?all_tenants=1").status_code == 403
    assert len(admin.json("GET", f"{SERVERS}/detail?all_tenants=True")["servers"]) == 3
    assert admin.json("GET", SERVERS)["servers"] == []
    alice("DELETE", f"{SERVERS}/{three['db.1']}")
    settle()
    [gone] = admin.json("GET", f"{SERVERS}/detail?all_tenants=1&deleted=true")["servers"]
    assert (gone["id"], gone["status"]) == (three["db.1"], "DELETED")
    assert gone["OS-SRV-USG:terminated_at"]
    shown = {row["id"] for row in alice.json("GET", f"{SERVERS}?deleted=true")["servers"]}
    assert shown == {three["web-1"], three["web-2"]}


def test_what_was_done_to_a_server_can_be_read(alice: Api, server: str, settle: Settle) -> None:
    act(alice, server, {"os-stop": None})
    path = f"{SERVERS}/{server}/os-instance-actions"
    stop, create = alice.json("GET", path)["instanceActions"]
    assert (stop["action"], create["action"]) == ("stop", "create")
    assert stop["instance_uuid"] == server
    [event] = alice.json("GET", f"{path}/{stop['request_id']}")["instanceAction"]["events"]
    assert (event["result"], event["finish_time"]) == (None, None)
    settle()
    [event] = alice.json("GET", f"{path}/{stop['request_id']}")["instanceAction"]["events"]
    assert event["result"] == "Success"


def test_an_engine_that_is_away_is_not_the_callers_fault(alice: Api, server: str, engine_room: Any) -> None:
    engine_room.fail_next("console_log")
    answer = act(alice, server, {"os-getConsoleOutput": {}})
    assert answer.status_code == 503
    assert "serviceUnavailable" in answer.json()
    engine_room.fail_next("console_log", BackendError("no such instance"))
    assert act(alice, server, {"os-getConsoleOutput": {}}).json() == {"output": ""}
