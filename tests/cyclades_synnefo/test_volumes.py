"""Volume v2.0 as 0.21's clients know it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from synnefo.cyclades.backends.memory_room import Disk
from synnefo.cyclades.volume_types import rules as volume_types
from synnefo.cyclades.volume_types.models import VolumeType
from synnefo.cyclades.volumes.models import Volume
from tests.conftest import People
from tests.cyclades_synnefo.conftest import Api

VOLUMES, SNAPSHOTS = "volume/v2.0/volumes", "volume/v2.0/snapshots"


@pytest.fixture(autouse=True)
def _short_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    def pieces(disk: Disk) -> Iterator[bytes]:
        yield b"what stands on the disk" + bytes(1000)

    monkeypatch.setattr(Disk, "pieces", pieces)


@pytest.fixture
def local(cloud: People) -> int:
    return int(VolumeType.objects.get(disk_template="local").pk)


@pytest.fixture
def make(alice: Api, local: int, settle: Callable[[], None]) -> Callable[..., str]:
    """A volume of alice's, settled: its id."""

    def made(**wanted: Any) -> str:
        body = {"volume": {"size": 1, "display_name": "data", "volume_type": local, **wanted}}
        found: dict[str, Any] = alice.json("POST", VOLUMES, body, status=202)["volume"]
        settle()
        return str(found["id"])

    return made


def test_versions_are_told_to_anybody(cloud: People) -> None:
    found = Api().get("volume/")["versions"]
    assert [(row["id"], row["version"]) for row in found] == [("v2.0", "2.0"), ("v2", "2")]
    assert Api().get("volume")["versions"] == found
    assert Api().json("GET", "volume/v2.0/", status=400)["badRequest"]["message"] == "API endpoint not found"


def test_a_volume_is_shown_as_0_21_showed_it(
    alice: Api, make: Callable[..., str], local: int, cloud: People
) -> None:
    number = make(display_description="of mine", metadata={"use": "pg"}, size="3")
    shown = alice.get(f"{VOLUMES}/{number}")["volume"]
    links = shown.pop("links")
    assert [link["href"].partition("/cyclades/")[2] for link in links] == [f"{VOLUMES}/{number}"] * 2
    shown.pop("created_at")
    user = cloud.alice.caller.user
    assert shown == {
        "id": number, "display_name": "data", "display_description": "of mine", "status": "available",
        "size": 3, "metadata": {"use": "pg"}, "snapshot_id": None, "source_volid": None, "image_id": None,
        "attachments": [], "volume_type": local, "deleted": False, "delete_on_termination": True,
        "user_id": user, "tenant_id": user, "shared_to_project": False,
    }  # fmt: skip
    assert alice.get(VOLUMES)["volumes"] == [{"id": number, "display_name": "data", "links": links}]
    [listed] = alice.get("volume/v2/volumes/detail")["volumes"]
    assert listed["id"] == number


def test_changes_since_a_moment_are_told_with_what_is_gone(
    alice: Api, make: Callable[..., str], settle: Any
) -> None:
    from django.utils import timezone

    before = make()
    moment = timezone.now().isoformat().replace("+", "%2B")
    assert alice("GET", f"{VOLUMES}?changes-since={moment}").status_code == 304
    alice.json("DELETE", f"{VOLUMES}/{before}", status=202)
    [gone] = alice.get(f"{VOLUMES}/detail?changes-since={moment}")["volumes"]
    assert (gone["status"], gone["deleted"]) == ("deleted", True)
    assert alice.get(VOLUMES)["volumes"] == []
    assert alice.get(f"{VOLUMES}/{before}")["volume"]["deleted"] is True
    for method, path, body in (
        ("DELETE", before, None),
        ("PUT", before, {"volume": {"display_name": "x"}}),
        ("POST", f"{before}/metadata", {"metadata": {"a": "b"}}),
    ):
        assert alice(method, f"{VOLUMES}/{path}", body).status_code == 400


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"size": 0}, "Volume 'size' needs to be a positive integer value. '0' cannot be accepted."),
        ({"size": "x"}, "Volume 'size' needs to be a positive integer value. 'x' cannot be accepted."),
        ({"size": None}, "Malformed request. Missing attribute 'size'."),
        ({"volume_type": None}, "Invalid volume type id: None"),
        ({"volume_type": 99}, "Volume type 99 not found"),
        ({"server_id": "999"}, "Server 999 not found"),
        ({"source_volid": "1"}, "'source_volid' is not supported"),
    ],
)
def test_what_cannot_be_made_is_refused_in_the_words_of_old(
    alice: Api, local: int, wanted: dict[str, Any], message: str
) -> None:
    body = {"volume": {"size": 1, "display_name": "q", "volume_type": local, **wanted}}
    assert alice.json("POST", VOLUMES, body, status=400)["badRequest"]["message"] == message


def test_a_type_that_cannot_be_detached_needs_a_server(alice: Api, cloud: People) -> None:
    drbd = volume_types.create(cloud.admin.caller, name="standard", disk_template="drbd")
    body = {"volume": {"size": 1, "display_name": "q", "volume_type": drbd.pk}}
    fault = alice.json("POST", VOLUMES, body, status=400)["badRequest"]
    assert fault["message"] == "Volume type 'standard' is not detachable"
    shown = alice.get(f"volume/v2.0/types/{drbd.pk}")["volume_type"]
    assert shown == {
        "id": drbd.pk, "name": "standard", "deleted": False, "SNF:disk_template": "drbd",
        "SNF:detachable": False,
    }  # fmt: skip
    volume_types.retire(cloud.admin.caller, drbd)
    assert drbd.pk not in [row["id"] for row in alice.get("volume/v2.0/types")["volume_types"]]
    assert alice.get(f"volume/v2.0/types/{drbd.pk}")["volume_type"]["deleted"] is True
    assert alice("GET", "volume/v2.0/types/999").status_code == 404


def test_a_volume_goes_into_a_server_and_out_of_it(
    alice: Api, make: Callable[..., str], server: int, settle: Callable[[], None]
) -> None:
    number = make(server_id=server, size=2)
    shown = alice.get(f"{VOLUMES}/{number}")["volume"]
    assert shown["status"] == "in_use"
    assert shown["attachments"] == [{"server_id": server, "volume_id": int(number), "device_index": 1}]
    changed = {"volume": {"display_name": "new", "delete_on_termination": False}}
    assert alice.json("PUT", f"{VOLUMES}/{number}", changed)["volume"]["delete_on_termination"] is False
    alice.json("DELETE", f"{VOLUMES}/{number}", status=202)
    assert alice.get(f"{VOLUMES}/{number}")["volume"]["status"] == "deleting"
    settle()
    assert alice.get(f"{VOLUMES}/{number}")["volume"]["deleted"] is True


def test_a_root_volume_is_not_moved_nor_removed(alice: Api, server: int, cloud: People) -> None:
    root = Volume.objects.get(server=server, index=0)
    assert alice("DELETE", f"{VOLUMES}/{root.pk}").status_code == 400
    body = {"reassign": {"project": cloud.alice.caller.project}}
    assert alice("POST", f"{VOLUMES}/{root.pk}/action", body).status_code == 409


def test_metadata_are_merged_replaced_and_removed(alice: Api, make: Callable[..., str]) -> None:
    path = f"{VOLUMES}/{make()}/metadata"
    assert alice.json("POST", path, {"metadata": {"a": "1"}}) == {"metadata": {"a": "1"}}
    assert alice.json("POST", path, {"metadata": {"b": "2"}}) == {"metadata": {"a": "1", "b": "2"}}
    assert alice.json("PUT", path, {"metadata": {"c": "3"}}) == {"metadata": {"c": "3"}}
    assert alice.get(path) == {"metadata": {"c": "3"}}
    alice.json("DELETE", f"{path}/c", status=200)
    alice.json("DELETE", f"{path}/c", status=400)
    alice.json("POST", path, {"metadata": {"k" * 65: "1"}}, status=400)
    alice.json("POST", path, {"metadata": {"k": 1}}, status=400)


def test_a_snapshot_goes_its_way(
    alice: Api, bob: Api, make: Callable[..., str], settle: Callable[[], None]
) -> None:
    volume = make()
    body = {"snapshot": {"volume_id": volume, "display_name": "s", "display_description": "d"}}
    made = alice.json("POST", SNAPSHOTS, body, status=202)["snapshot"]
    assert (made["status"], made["os-extended-snapshot-attribute:progress"]) == ("CREATING", 0)
    settle()
    path = f"{SNAPSHOTS}/{made['id']}"
    shown = alice.get(path)["snapshot"]
    assert (shown["status"], shown["os-extended-snapshot-attribute:progress"]) == ("AVAILABLE", "100%")
    assert (shown["volume_id"], shown["size"], shown["display_description"]) == (volume, 1, "d")
    assert alice.get(SNAPSHOTS)["snapshots"] == alice.get(f"{SNAPSHOTS}/detail")["snapshots"] == [shown]
    assert bob("GET", path).status_code == 403
    changed = alice.json("PUT", path, {"snapshot": {"display_name": "t"}})["snapshot"]
    assert (changed["display_name"], changed["display_description"]) == ("t", "d")
    assert alice.get(f"{path}/metadata") == {"metadata": {"exclude_all_tasks": "yes"}}
    assert alice.json("POST", f"{path}/metadata", {"metadata": {"a": "b"}}) == {"metadata": {"a": "b"}}
    alice.json("DELETE", f"{path}/metadata/a", status=200)
    alice.json("DELETE", f"{path}/metadata/a", status=400)
    restored = make(snapshot_id=made["id"])
    assert alice.get(f"{VOLUMES}/{restored}")["volume"]["snapshot_id"] == made["id"]
    alice.json("DELETE", path, status=202)
    assert alice.get(SNAPSHOTS)["snapshots"] == []
    assert alice("GET", f"{SNAPSHOTS}/bad").status_code == 400


def test_snapshots_may_be_switched_off_or_be_for_roles(
    alice: Api, make: Callable[..., str], settings: Any
) -> None:
    body = {"snapshot": {"volume_id": make()}}
    for allowed, status in ((False, 400), (["no-such-role"], 501)):
        settings.CYCLADES_SNAPSHOTS_ENABLED = allowed
        assert alice("GET", SNAPSHOTS).status_code == status
        assert alice("POST", SNAPSHOTS, body).status_code == status


def test_a_quota_that_is_reached_is_refused(alice: Api, local: int) -> None:
    from synnefo.astakos.quotas.models import Holding

    Holding.objects.filter(resource="cyclades.disk").update(limit=2**30)
    body = {"volume": {"size": 2, "display_name": "q", "volume_type": local}}
    assert list(alice.json("POST", VOLUMES, body, status=413)) == ["overLimit"]
