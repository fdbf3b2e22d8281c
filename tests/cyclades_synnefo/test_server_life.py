"""What Synnefo's clients do with servers beyond starting them: sizes, rescue, sharing, disks, secrets."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from synnefo.common.accounts import accounts
from synnefo.common.units import GIB
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.servers import vault
from synnefo.cyclades.servers.models import RescueImage, Server, ServerSecret
from synnefo.cyclades.volumes import rules as volume_rules
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.rules import VolumeRequest
from tests.conftest import SYSTEM, People, Person
from tests.cyclades_synnefo.conftest import PUBLIC_KEY, Api

SERVERS = "compute/v2.0/servers"
Settle = Callable[[], None]


def act(api: Api, server: int, body: object, status: int = 202) -> Any:
    return api.json("POST", f"{SERVERS}/{server}/action", body, status=status)


def shown(api: Api, server: int) -> Any:
    return api.get(f"{SERVERS}/{server}")["server"]


def usage(person: Person, project: str = "") -> dict[str, int]:
    found = accounts().quotas(person.caller.user, project or person.caller.project)
    return {name: found[f"cyclades.{name}"].usage for name in ("vm", "cpu", "total_cpu", "disk")}


@pytest.fixture
def stopped(alice: Api, server: int, settle: Settle) -> int:
    act(alice, server, {"shutdown": {}})
    settle()
    return server


@pytest.fixture
def volume(cloud: People, flavor: Any) -> Volume:
    """A free one of alice's."""
    request = VolumeRequest(size_gib=1, volume_type=flavor.volume_type)
    return volume_rules.create(cloud.alice.caller, request)


def test_a_stopped_server_gets_another_size(
    alice: Api, cloud: People, stopped: int, settle: Settle, engine_room: Any
) -> None:
    larger = flavors.create(SYSTEM, cpu=2, ram=512, disk=1)
    act(alice, stopped, {"resize": {"flavorRef": larger.pk}})
    assert shown(alice, stopped)["SNF:task_state"] == "RESIZING"
    settle()
    found = shown(alice, stopped)
    assert (found["status"], found["flavor"]["id"]) == ("STOPPED", larger.pk)
    assert usage(cloud.alice) == {"vm": 1, "cpu": 0, "total_cpu": 2, "disk": GIB}
    act(alice, stopped, {"resize": {"flavorRef": larger.pk}}, 400)
    other = flavors.create(SYSTEM, cpu=2, ram=512, disk=9)
    act(alice, stopped, {"resize": {"flavorRef": other.pk}}, 400)
    act(alice, stopped, {"resize": {"flavorRef": 9999}}, 404)


def test_a_running_server_keeps_its_size(alice: Api, server: int) -> None:
    larger = flavors.create(SYSTEM, cpu=2, ram=512, disk=1)
    act(alice, server, {"resize": {"flavorRef": larger.pk}}, 400)


def test_a_server_is_rescued_by_the_image_that_fits_it_best(
    alice: Api, stopped: int, settle: Settle, engine_room: Any, tmp_path: Any, settings: Any
) -> None:
    settings.CYCLADES_RESCUE_IMAGE_PATH = str(tmp_path)
    act(alice, stopped, {"rescue": {}}, 404)
    for name, is_default, family in (("any", True, ""), ("linux", False, "linux")):
        RescueImage.objects.create(
            name=name, location=f"{name}.iso", is_default=is_default, target_osfamily=family
        )
    Server.objects.filter(pk=stopped).update(osfamily="Linux", os="debian")
    act(alice, stopped, {"rescue": {}, "rescue_image_ref": 1})
    settle()
    row = Server.objects.get(pk=stopped)
    assert row.rescue_image is not None
    assert row.rescue_image.name == "linux"
    found = shown(alice, stopped)
    assert (found["SNF:rescue"], found["status"]) == (True, "STOPPED")
    assert engine_room.is_rescued(row.engine_name)
    act(alice, stopped, {"rescue": {}}, 400)
    act(alice, stopped, {"start": {}})
    settle()
    act(alice, stopped, {"unrescue": {}}, 400)
    act(alice, stopped, {"shutdown": {}})
    settle()
    act(alice, stopped, {"unrescue": {}})
    settle()
    assert shown(alice, stopped)["SNF:rescue"] is False
    assert not engine_room.is_rescued(row.engine_name)


def test_where_rescue_is_off_it_is_not_found(alice: Api, stopped: int, settings: Any) -> None:
    settings.CYCLADES_RESCUE_ENABLED = False
    assert "featureNotEnabled" in act(alice, stopped, {"rescue": {}}, 404)


def test_a_card_has_a_firewall_profile(alice: Api, server: int, settle: Settle) -> None:
    card = shown(alice, server)["attachments"][0]["id"]
    act(alice, server, {"firewallProfile": {"profile": "PROTECTED", "nic": card}})
    settle()
    assert shown(alice, server)["attachments"][0]["firewallProfile"] == "PROTECTED"
    assert Port.objects.get(pk=card).firewall_profile == "PROTECTED"


def test_a_server_goes_to_another_project_with_its_disk_and_their_quota(
    alice: Api, cloud: People, server: int, mate_of: Callable[[Person], tuple[Person, str]]
) -> None:
    mate, project = mate_of(cloud.alice)
    there = Api(mate.token)
    assert there("GET", f"{SERVERS}/{server}").status_code == 404
    act(alice, server, {"reassign": {"project": project, "shared_to_project": True}}, 200)
    assert usage(cloud.alice) == {"vm": 0, "cpu": 0, "total_cpu": 0, "disk": 0}
    assert usage(cloud.alice, project) == {"vm": 1, "cpu": 1, "total_cpu": 1, "disk": GIB}
    found = shown(there, server)
    assert (found["tenant_id"], found["shared_to_project"]) == (project, True)
    assert Volume.objects.get(server=server).project == project
    act(there, server, {"shutdown": {}})


def test_the_password_is_told_until_it_is_noted(alice: Api, order: dict[str, Any]) -> None:
    made = alice.json("POST", SERVERS, order, status=202)["server"]
    path = f"{SERVERS}/{made['id']}/password"
    assert alice.get(path) == {"password": made["adminPass"]}
    assert made["adminPass"] not in str(list(ServerSecret.objects.values()))
    alice.json("DELETE", path, status=204)
    alice.get(path, status=404)


def test_a_disk_is_put_in_and_taken_out(
    alice: Api, server: int, volume: Volume, settle: Settle, engine_room: Any
) -> None:
    path = f"{SERVERS}/{server}/os-volume_attachments"
    root = Volume.objects.get(server=server)
    view = {"id": volume.pk, "volumeId": volume.pk, "serverId": server, "device": ""}
    body = {"volumeAttachment": {"volumeId": volume.pk}}
    assert alice.json("POST", path, body, status=202) == {"volumeAttachment": view}
    assert shown(alice, server)["SNF:task_state"] == "ATTACHING_VOLUME"
    settle()
    assert shown(alice, server)["volumes"] == [root.pk, volume.pk]
    assert [row["id"] for row in alice.get(path)["volumeAttachments"]] == [root.pk, volume.pk]
    assert alice.get(f"{path}/{volume.pk}") == {"volumeAttachment": view}
    alice.json("POST", path, body, status=400)
    alice.json("DELETE", f"{path}/{root.pk}", status=400)
    alice.json("DELETE", f"{path}/{volume.pk}", status=202)
    settle()
    volume.refresh_from_db()
    assert (volume.status, volume.server) == ("AVAILABLE", None)
    assert engine_room.volumes() == [root.engine_name, volume.engine_name]
    alice.get(f"{path}/{volume.pk}", status=404)
    alice.json("POST", path, {"volumeAttachment": {}}, status=400)


def test_a_server_is_made_with_several_disks_and_files(
    alice: Api, cloud: People, order: dict[str, Any], image: Any, volume: Volume, settle: Settle,
    engine_room: Any,
) -> None:  # fmt: skip
    files = [{"path": "/etc/motd", "contents": base64.b64encode(b"hello").decode(), "mode": 0o644}]
    order["server"] |= {
        "personality": files,
        "block_device_mapping_v2": [
            {"source_type": "image", "uuid": image.uuid, "volume_size": 3},
            {"source_type": "volume", "uuid": volume.pk},
            {"source_type": "blank", "volume_size": 2},
        ],
    }
    made = alice.json("POST", SERVERS, order, status=202)["server"]["id"]
    assert usage(cloud.alice)["disk"] == 6 * GIB
    settle()
    row = Server.objects.get(pk=made)
    assert [engine_room.disk_size_gib(name) for name in engine_room.disks(row.engine_name)] == [3, 1, 2]
    [file] = engine_room.engine.instances[row.engine_name].spec.guest.files
    assert (file.path, file.content, file.mode) == ("/etc/motd", b"hello", 0o644)
    alice.json("DELETE", f"{SERVERS}/{made}", status=204)
    settle()
    volume.refresh_from_db()
    assert (volume.status, volume.server) == ("AVAILABLE", None)
    assert engine_room.volumes() == [volume.engine_name]
    assert usage(cloud.alice)["disk"] == GIB


def test_several_keys_come_to_a_server(
    alice: Api, order: dict[str, Any], settle: Settle, engine_room: Any
) -> None:
    for name in ("one", "two"):
        body = {"keypair": {"name": name, "public_key": PUBLIC_KEY}}
        alice.json("POST", "compute/v2.0/os-keypairs", body, status=201)
    order["server"]["SNF:key_names"] = ["one", "two", "one"]
    made = alice.json("POST", SERVERS, order, status=202)["server"]
    assert made["SNF:key_names"] == ["one", "two"]
    settle()
    guest = engine_room.engine.instances[Server.objects.get(pk=made["id"]).engine_name].spec.guest
    assert list(guest.ssh_keys) == [PUBLIC_KEY, PUBLIC_KEY]


def test_a_guest_fetches_what_it_is_told_once(alice: Api, order: dict[str, Any]) -> None:
    order["server"]["user_data"] = base64.b64encode(b"#!/bin/sh").decode()
    made = alice.json("POST", SERVERS, order, status=202)["server"]
    secret = ServerSecret.objects.get(server=made["id"], kind="params")
    path = f"vmapi/v1.0/server-params/{secret.uuid}"
    found = Api().get(path)
    assert found["img_passwd"] == made["adminPass"]
    assert found["cloud_userdata"] == "#!/bin/sh"
    Api().get(path, status=404)


def test_secrets_are_forgotten_in_time(alice: Api, order: dict[str, Any], settings: Any) -> None:
    settings.CYCLADES_PASSWORD_KEPT_S = settings.CYCLADES_VMAPI_KEPT_S = -1
    made = alice.json("POST", SERVERS, order, status=202)["server"]
    alice.get(f"{SERVERS}/{made['id']}/password", status=404)
    assert vault.forget_expired() == 2
    assert not ServerSecret.objects.exists()


def test_a_locked_server_is_left_alone(alice: Api, server: int) -> None:
    Server.objects.filter(pk=server).update(locked=True, locked_by="owner")
    act(alice, server, {"shutdown": {}}, 400)
    alice.json("DELETE", f"{SERVERS}/{server}", status=400)
    alice.json("PUT", f"{SERVERS}/{server}", {"server": {"name": "still"}}, status=204)


def test_keys_as_the_old_pages_knew_them(alice: Api, bob: Api) -> None:
    made = alice.json("POST", "userdata/keys", {"name": "k", "content": PUBLIC_KEY})
    assert made["uri"].endswith(f"/userdata/keys/{made['id']}")
    refused = alice.json("POST", "userdata/keys", {"name": "k", "content": PUBLIC_KEY}, status=422)
    assert refused["non_field_key"] == "__all__"
    assert alice.json("PUT", f"userdata/keys/{made['id']}", {"name": "l"})["name"] == "l"
    bob.get(f"userdata/keys/{made['id']}", status=404)
    pair = alice.json("POST", "userdata/keys/generate")
    assert "PRIVATE KEY" in pair["private"]
    assert alice.json("DELETE", f"userdata/keys/{made['id']}") == ""
    assert alice.get("userdata/keys") == []
