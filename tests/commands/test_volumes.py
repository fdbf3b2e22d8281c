"""Commands of volumes, volume types and snapshots."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import CommandError

from synnefo.cyclades.backends.base import Fence
from synnefo.cyclades.backends.memory_room import Disk
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.requests import ServerRequest
from synnefo.cyclades.volume_types.models import VolumeType
from synnefo.cyclades.volumes.models import Volume
from tests.conftest import People, work_off
from tests.manage import manage

NOT_NOW = ("--wait", "no")


@pytest.fixture(autouse=True)
def _short_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    def pieces(disk: Disk) -> Iterator[bytes]:
        yield b"what stands on the disk" + bytes(1000)

    monkeypatch.setattr(Disk, "pieces", pieces)


@pytest.fixture
def server(cloud: People, image: Any, flavor: Any) -> Any:
    made, _ = servers.create(cloud.alice.caller, ServerRequest("vm", image.uuid, flavor.uuid, []))
    work_off()
    return made


def rows(command: str, *options: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(manage(command, *options, "--output-format", "json"))
    return found


def shown(command: str, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = rows(command, *arguments)[0]
    return found


def test_a_volume_goes_its_way_by_command(cloud: People, server: Any) -> None:
    user = cloud.alice.caller.user
    number = manage("volume-create", "--name", "data", "--user", user, "-s", "2").split()[0]
    assert shown("volume-show", number)["status"] == "AVAILABLE"
    manage("volume-attach", number, "--server", f"snf-{server.pk}", *NOT_NOW)
    work_off()
    assert shown("volume-inspect", f"snf-vol-{number}")["seen there"] == "yes"
    [row] = rows("volume-list", "--user", "alice@example.org", "--filter-by", "index>0")
    assert (row["id"], row["server"], row["status"]) == (number, str(server.pk), "IN_USE")
    manage("volume-modify", number, "--name", "new", "--delete-on-termination", "no")
    manage("volume-detach", number, "-f", *NOT_NOW)
    work_off()
    assert shown("volume-show", number)["name"] == "new"
    manage("volume-modify", number, "--user", "bob@example.org")
    assert Volume.objects.get(pk=number).userid == cloud.bob.caller.user
    manage("volume-remove", number, "-f", *NOT_NOW)
    work_off()
    assert [row["id"] for row in rows("volume-list", "--deleted")] == [number]


def test_a_volume_is_made_for_a_server_and_of_an_image(cloud: People, server: Any, image: Any) -> None:
    made = manage("volume-create", "-s", "1", "--server", str(server.pk), *NOT_NOW).split()[0]
    work_off()
    assert Volume.objects.get(pk=made).server_id == server.pk
    options = ("-s", "1", "--user", "alice@example.org", "--source", f"image:{image.uuid}")
    number = manage("volume-create", *options).split()[0]
    assert shown("volume-show", number)["source_id"] == image.uuid
    for wrong in (("-s", "1"), ("-s", "1", "--user", "nobody"), (*options[:4], "--source", "x")):
        with pytest.raises(CommandError):
            manage("volume-create", *wrong)


def test_a_snapshot_goes_its_way_by_command(cloud: People) -> None:
    number = manage("volume-create", "--user", "alice@example.org", "-s", "1").split()[0]
    uuid = manage("snapshot-create", number, "--name", "first", *NOT_NOW).split()[0]
    work_off()
    assert Image.objects.get(uuid=uuid).userid == cloud.alice.caller.user
    manage("snapshot-modify", uuid, "--name", "second", "--description", "of it")
    found = shown("snapshot-show", uuid)
    assert (found["name"], found["description"], found["status"], found["volume"]) == (
        "second", "of it", "AVAILABLE", number,
    )  # fmt: skip
    assert [row["id"] for row in rows("snapshot-list", "-u", "alice@example.org")] == [uuid]
    assert rows("snapshot-list", "--public") == []
    with pytest.raises(CommandError):
        manage("snapshot-modify", uuid, "--user", "bob@example.org", "--name", "x")
    manage("snapshot-remove", uuid, "-f")
    assert rows("snapshot-list") == []


def test_a_type_that_is_retired_takes_its_flavors_along(cloud: People) -> None:
    number = manage(
        "volume-type-create", "--name", "DRBD", "--disk-template", "drbd", "--specs", "a=b"
    ).split()[0]
    manage("flavor-create", "1", "512", "10", number)
    manage("volume-type-modify", number, "--spec-add", "c=d", "--spec-delete", "a")
    assert shown("volume-type-show", number)["specs"] == "c=d"
    assert {row["name"] for row in rows("volume-type-list")} == {"local", "DRBD"}
    manage("volume-type-modify", number, "--deleted", "yes")
    assert Flavor.objects.get(volume_type=number).deleted
    assert [row["name"] for row in rows("volume-type-list", "--deleted")] == ["DRBD"]
    manage("volume-type-modify", number, "--deleted", "no")
    assert not VolumeType.objects.get(pk=number).deleted


def test_what_differs_on_engines_is_told_and_mended(
    cloud: People, engine_room: Any, settle: Callable[[], None]
) -> None:
    number = manage("volume-create", "--user", "alice@example.org", "-s", "1").split()[0]
    manage("snapshot-create", number, *NOT_NOW)
    settle()
    assert manage("reconcile-volumes") == ""
    volume = Volume.objects.get(pk=number)
    engine_room.engine.disks[f"{volume.engine_name}9"] = engine_room.engine.disks[volume.engine_name]
    engine_room.delete_volume(volume.engine_name, Fence(10**6, 0))
    told = manage("reconcile-volumes")
    assert f"missing: {volume.engine_name}" in told
    assert f"orphan: {volume.engine_name}9" in told
    manage("reconcile-volumes", "--fix", "--force")
    volume.refresh_from_db()
    assert (volume.status, engine_room.volumes()) == ("ERROR", [])
    Volume.objects.filter(pk=number).update(status="EXTENDING", materialised=False)
    manage("reconcile-volumes", "--fix")
    volume.refresh_from_db()
    assert volume.status == "AVAILABLE"
