"""What clients of compute v2.1 do to servers, and what hangs on servers, as Nova's clients see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.cyclades.flavors import rules as flavors
from tests.conftest import SYSTEM, People
from tests.cyclades_api.conftest import Api

SERVERS = "compute/v2.1/servers"
Settle = Callable[[], None]


@pytest.fixture
def act(alice: Api, settle: Settle) -> Callable[..., Any]:
    """Does something to a server, waits for the end and returns what the server is then."""

    def do(server: str, action: str, arguments: object = None, *, status: int = 202) -> Any:
        answer = alice("POST", f"{SERVERS}/{server}/action", {action: arguments})
        assert answer.status_code == status, (action, answer.content)
        settle()
        return alice.json("GET", f"{SERVERS}/{server}")["server"]

    return do


def test_a_server_rests_and_wakes(server: str, act: Callable[..., Any]) -> None:
    for action, status, vm_state in (
        ("pause", "PAUSED", "paused"),
        ("unpause", "ACTIVE", "active"),
        ("suspend", "SUSPENDED", "suspended"),
        ("resume", "ACTIVE", "active"),
        ("shelve", "SHELVED_OFFLOADED", "shelved_offloaded"),
        ("shelveOffload", "SHELVED_OFFLOADED", "shelved_offloaded"),
        ("unshelve", "ACTIVE", "active"),
    ):
        shown = act(server, action)
        assert (shown["status"], shown["OS-EXT-STS:vm_state"]) == (status, vm_state), action
        assert shown["OS-EXT-STS:task_state"] is None


def test_what_is_under_way_is_the_status(alice: Api, server: str, settle: Settle) -> None:
    alice.json("POST", f"{SERVERS}/{server}/action", {"reboot": {"type": "HARD"}})
    [shown] = alice.json("GET", f"{SERVERS}/detail?status=REBOOT")["servers"]
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("REBOOT", "rebooting")
    assert alice.json("GET", f"{SERVERS}/detail?status=ACTIVE")["servers"] == []
    settle()
    assert len(alice.json("GET", f"{SERVERS}/detail?status=ACTIVE")["servers"]) == 1


def test_a_resize_is_confirmed_or_taken_back(server: str, flavor: Any, act: Callable[..., Any]) -> None:
    bigger = flavors.create(SYSTEM, cpu=2, ram=512, disk=flavor.disk, label="bigger", ref="42")
    shown = act(server, "resize", {"flavorRef": "42"})
    assert (shown["status"], shown["flavor"]["id"]) == ("VERIFY_RESIZE", "42")
    shown = act(server, "revertResize")
    assert (shown["status"], shown["flavor"]["id"]) == ("ACTIVE", flavor.uuid)
    act(server, "resize", {"flavorRef": bigger.openstack_id})
    shown = act(server, "confirmResize", status=204)
    assert (shown["status"], shown["flavor"]["id"]) == ("ACTIVE", "42")


def test_a_locked_server_is_left_alone(server: str, act: Callable[..., Any]) -> None:
    act(server, "lock")
    act(server, "os-stop", status=409)
    act(server, "unlock")
    assert act(server, "os-stop")["status"] == "SHUTOFF"


def test_a_server_is_made_anew(alice: Api, server: str, image: Any, settle: Settle) -> None:
    wanted = {"imageRef": image.uuid, "name": "new", "metadata": {"a": "b"}, "adminPass": "secret-2"}
    answer = alice("POST", f"{SERVERS}/{server}/action", {"rebuild": wanted})
    assert answer.status_code == 202
    assert answer.json()["server"]["adminPass"] == "secret-2"
    settle()
    shown = alice.json("GET", f"{SERVERS}/{server}")["server"]
    assert (shown["status"], shown["name"], shown["metadata"]) == ("ACTIVE", "new", {"a": "b"})


def test_a_server_is_rescued(alice: Api, server: str, settle: Settle) -> None:
    password = alice.json("POST", f"{SERVERS}/{server}/action", {"rescue": None}, status=200)["adminPass"]
    settle()
    shown = alice.json("GET", f"{SERVERS}/{server}")["server"]
    assert (shown["status"], shown["OS-EXT-STS:vm_state"]) == ("RESCUE", "rescued")
    assert password
    assert len(alice.json("GET", f"{SERVERS}/detail?status=RESCUE")["servers"]) == 1
    alice.json("POST", f"{SERVERS}/{server}/action", {"unrescue": None})
    settle()
    assert alice.json("GET", f"{SERVERS}/{server}")["server"]["status"] == "ACTIVE"


def test_several_servers_are_made_at_once(alice: Api, order: dict[str, Any], settle: Settle) -> None:
    order["server"] |= {"min_count": 2, "max_count": "3", "return_reservation_id": True, "name": "many"}
    reservation = alice.json("POST", SERVERS, order, status=202)["reservation_id"]
    settle()
    rows = alice.json("GET", f"{SERVERS}?reservation_id={reservation}")["servers"]
    assert sorted(row["name"] for row in rows) == ["many-1", "many-2", "many-3"]
    assert alice.json("GET", f"{SERVERS}?reservation_id=r-other")["servers"] == []


@pytest.mark.parametrize(("limit", "made"), [(2, 2), (1, 0)])
def test_of_several_as_many_are_made_as_quota_allows(
    cloud: People, alice: Api, order: dict[str, Any], settle: Settle, limit: int, made: int
) -> None:
    from synnefo.astakos.projects import rules

    rules.set_limits(SYSTEM, rules.get(cloud.alice.user.uuid), {"cyclades.vm": (limit, limit)})
    order["server"] |= {"min_count": 2, "max_count": 3}
    assert alice("POST", SERVERS, order).status_code == (202 if made else 403)
    settle()
    assert len(alice.json("GET", SERVERS)["servers"]) == made


def test_a_server_boots_from_a_volume(alice: Api, order: dict[str, Any], image: Any, settle: Settle) -> None:
    disk = {
        "source_type": "image", "uuid": image.uuid, "destination_type": "volume", "volume_size": 2,
        "boot_index": 0, "delete_on_termination": True,
    }  # fmt: skip
    del order["server"]["imageRef"]
    order["server"]["block_device_mapping_v2"] = [disk]
    server = alice.json("POST", SERVERS, order)["server"]["id"]
    settle()
    shown = alice.json("GET", f"{SERVERS}/{server}")["server"]
    assert (shown["status"], shown["image"]) == ("ACTIVE", "")
    [attachment] = alice.json("GET", f"{SERVERS}/{server}/os-volume_attachments")["volumeAttachments"]
    assert shown["os-extended-volumes:volumes_attached"] == [{"id": attachment["volumeId"]}]
    assert attachment["device"] == "/dev/vda"


def test_volumes_come_and_go(cloud: People, alice: Api, server: str, settle: Settle) -> None:
    from synnefo.cyclades.volumes import rules
    from synnefo.cyclades.volumes.requests import VolumeRequest

    volume = rules.create(cloud.alice.caller, VolumeRequest(size_gib=1, name="data")).uuid
    settle()
    path = f"{SERVERS}/{server}/os-volume_attachments"
    assert alice.json("GET", path) == {"volumeAttachments": []}
    body = {"volumeAttachment": {"volumeId": volume}}
    made = alice.json("POST", path, body, status=200)["volumeAttachment"]
    assert made == {"id": volume, "volumeId": volume, "serverId": server, "device": "/dev/vdb"}
    settle()
    assert alice.json("GET", f"{path}/{volume}")["volumeAttachment"] == made
    assert alice("POST", path, body).status_code in (400, 409)
    assert alice("DELETE", f"{path}/{volume}").status_code == 202
    settle()
    assert alice.json("GET", path) == {"volumeAttachments": []}
    assert alice.get(f"{path}/{volume}").status_code == 404


def test_a_port_of_its_own_stays_when_it_is_taken_out(
    alice: Api, server: str, lan: dict[str, str], settle: Settle
) -> None:
    body = {"port": {"network_id": lan["network"]}}
    port = alice.json("POST", "network/v2.0/ports", body)["port"]["id"]
    path = f"{SERVERS}/{server}/os-interface"
    for wanted in ({"port_id": port}, {"net_id": lan["network"]}):
        made = alice.json("POST", path, {"interfaceAttachment": wanted})["interfaceAttachment"]
        settle()
        assert alice("DELETE", f"{path}/{made['port_id']}").status_code == 202
        settle()
        left = alice.get(f"network/v2.0/ports/{made['port_id']}").status_code
        assert left == (200 if made["port_id"] == port else 404)


def test_security_groups_of_a_server_are_those_of_its_cards(alice: Api, server: str) -> None:
    body = {"security_group": {"name": "web"}}
    alice.json("POST", "network/v2.0/security-groups", body)

    def names() -> list[str]:
        shown = alice.json("GET", f"{SERVERS}/{server}")["server"]
        groups = alice.json("GET", f"{SERVERS}/{server}/os-security-groups")["security_groups"]
        assert [row["name"] for row in groups] == [row["name"] for row in shown.get("security_groups", [])]
        return [row["name"] for row in groups]

    assert names() == ["default"]
    alice.json("POST", f"{SERVERS}/{server}/action", {"addSecurityGroup": {"name": "web"}})
    assert names() == ["default", "web"]
    for name in ("default", "web"):
        alice.json("POST", f"{SERVERS}/{server}/action", {"removeSecurityGroup": {"name": name}})
    assert names() == []


def test_addresses_of_a_card_come_and_go(alice: Api, server: str, lan: dict[str, str]) -> None:
    def addresses() -> list[str]:
        return [row["addr"] for row in alice.json("GET", f"{SERVERS}/{server}/ips")["addresses"]["lan"]]

    [first] = addresses()
    alice.json("POST", f"{SERVERS}/{server}/action", {"addFixedIp": {"networkId": lan["network"]}})
    assert addresses()[0] == first
    assert len(addresses()) == 2
    alice.json("POST", f"{SERVERS}/{server}/action", {"removeFixedIp": {"address": addresses()[1]}})
    assert addresses() == [first]
    unknown = alice("POST", f"{SERVERS}/{server}/action", {"removeFixedIp": {"address": "192.0.2.1"}})
    assert unknown.status_code == 400


def test_servers_are_found_by_harmless_expressions(alice: Api, server: str) -> None:
    def found(pattern: str) -> int:
        return len(alice.json("GET", f"{SERVERS}?name={pattern}")["servers"])

    for pattern in ("web", "^web-1$", "^w.*1$", r"^web\-[0-9]%2B$", "WEB"):
        assert found(pattern) == 1, pattern
    for pattern in ("^eb", "(web)", "w.*e.*b.*", "[w", "^web-[a-z]%2B$"):
        assert found(pattern) == 0, pattern


def test_deleted_servers_are_told_to_who_asks_what_changed(alice: Api, server: str, settle: Settle) -> None:
    alice("DELETE", f"{SERVERS}/{server}")
    settle()
    assert alice.json("GET", f"{SERVERS}/detail")["servers"] == []
    [row] = alice.json("GET", f"{SERVERS}/detail?changes-since=2020-01-01T00:00:00Z")["servers"]
    assert (row["id"], row["status"]) == (server, "DELETED")


def test_use_and_engines_are_told_to_administrators(
    cloud: People, alice: Api, admin: Api, server: str, flavor: Any
) -> None:
    project = cloud.alice.caller.project
    own = alice.json("GET", f"compute/v2.1/os-simple-tenant-usage/{project}")["tenant_usage"]
    [use] = own["server_usages"]
    assert (use["instance_id"], use["memory_mb"], use["state"]) == (server, flavor.ram, "active")
    assert own["total_memory_mb_usage"] == pytest.approx(flavor.ram * own["total_hours"])
    usages = admin.json("GET", "compute/v2.1/os-simple-tenant-usage?detailed=1")["tenant_usages"]
    assert [row["tenant_id"] for row in usages] == [project]
    [engine] = admin.json("GET", "compute/v2.1/os-hypervisors/detail")["hypervisors"]
    assert (engine["running_vms"], engine["vcpus_used"]) == (1, flavor.cpu)
    named = {"host": engine["hypervisor_hostname"], "binary": "nova-compute"}
    admin.json("PUT", "compute/v2.1/os-services/disable", named)
    [service] = admin.json("GET", "compute/v2.1/os-services")["services"]
    assert (service["status"], service["state"]) == ("disabled", "up")
