"""Snapshots: objects by blocks, charged, restored, and removed; images of volumes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from synnefo.common import faults
from synnefo.common.accounts import accounts
from synnefo.common.objects import objects, store_of
from synnefo.cyclades.backends.memory_room import Disk
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers.models import ServerMetadata
from synnefo.cyclades.volumes import rules, snapshots
from synnefo.cyclades.volumes.models import Volume
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.seam.models import Hold
from tests.conftest import People, Person, work_off
from tests.cyclades_volumes.conftest import CONTENT, used_gib

Make = Callable[..., Volume]


def stored_bytes(person: Person) -> int:
    caller = person.caller
    return accounts().quotas(caller.user, caller.project)["pithos.diskspace"].usage


def taken(cloud: People, volume: Volume, **about: Any) -> Image:
    made = snapshots.create(cloud.alice.caller, volume.uuid, **about)
    assert made.status == Image.Status.SAVING
    work_off()
    return snapshots.get(cloud.alice.caller, made.uuid)


def test_a_snapshot_is_an_object_of_the_same_id(cloud: People, make: Make, engine_room: Any) -> None:
    snapshot = taken(cloud, make(), name="first", description="as it was", metadata={"k": "v"})
    assert (snapshot.status, snapshot.name, snapshot.about) == ("AVAILABLE", "first", "as it was")
    assert snapshot.properties == {"exclude_all_tasks": "yes", "k": "v"}
    version = Version.objects.get(uuid=snapshot.uuid, state=Version.State.CURRENT)
    assert version.object.container.name == "snapshots"
    assert stored_bytes(cloud.alice) == len(CONTENT) == snapshot.size_bytes
    assert b"".join(store_of(snapshot.hold).read(snapshot.hold)) == CONTENT
    assert not engine_room.engine.snapshots


def test_a_second_snapshot_stores_what_changed_alone(
    cloud: People, make: Make, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    block = settings.PITHOS_BACKEND_BLOCK_SIZE
    parts = [os.urandom(block) for _ in range(6)]

    def pieces(disk: Disk) -> Iterator[bytes]:
        yield from parts

    monkeypatch.setattr(Disk, "pieces", pieces)
    volume = make()
    first = taken(cloud, volume)
    parts[2] = os.urandom(block)
    second = taken(cloud, volume)
    blocks = [set(_blocks(snapshot)) for snapshot in (first, second)]
    assert (len(blocks[0]), len(blocks[1]), len(blocks[0] | blocks[1])) == (6, 6, 7)


def _blocks(snapshot: Image) -> list[bytes]:
    return Hold.objects.get(uuid=snapshot.hold.removeprefix("pithos:")).content.digests


def test_a_volume_of_a_snapshot_has_its_content_and_kind(cloud: People, make: Make, image: Any) -> None:
    volume = make(source=Volume.Source.IMAGE, source_uuid=image.uuid, size_gib=2)
    snapshot = taken(cloud, volume)
    assert snapshots.size_gib(snapshot) == 2
    restored = make(source=Volume.Source.SNAPSHOT, source_uuid=snapshot.uuid, size_gib=None)
    assert (restored.bootable, restored.volume_type) == (True, volume.volume_type)
    assert b"".join(store_of(restored.hold).read(restored.hold)) == CONTENT
    assert restored.image_properties["os"] == "linux"


def test_a_snapshot_that_cannot_be_made_says_why(cloud: People, make: Make, engine_room: Any) -> None:
    volume = make()
    engine_room.fail_next_job("snapshot_volume", "no room")
    failed = taken(cloud, volume)
    assert (failed.status, failed.fault) == ("ERROR", "no room")
    assert objects().known(failed.uuid) is None
    snapshots.delete(cloud.alice.caller, failed.uuid)
    assert rules.get(cloud.alice.caller, volume.uuid).status == Volume.Status.AVAILABLE


def test_a_snapshot_beyond_the_quota_is_an_error_and_leaves_nothing(
    cloud: People, make: Make, engine_room: Any
) -> None:
    from synnefo.astakos.quotas.models import Holding

    Holding.objects.filter(resource="pithos.diskspace").update(limit=10)
    failed = taken(cloud, make())
    assert failed.status == "ERROR"
    assert stored_bytes(cloud.alice) == 0
    assert not engine_room.engine.snapshots


def test_a_snapshot_goes_with_its_object(cloud: People, make: Make) -> None:
    snapshot = taken(cloud, make())
    snapshots.delete(cloud.alice.caller, snapshot.uuid)
    assert stored_bytes(cloud.alice) == 0
    with pytest.raises(faults.ItemNotFound):
        snapshots.get(cloud.alice.caller, snapshot.uuid)


def test_one_that_is_being_made_cannot_be_removed_nor_its_volume(cloud: People, make: Make) -> None:
    volume = make()
    waiting = snapshots.create(cloud.alice.caller, volume.uuid)
    with pytest.raises(faults.Conflict):
        snapshots.delete(cloud.alice.caller, waiting.uuid)
    with pytest.raises(faults.Conflict):
        rules.delete(cloud.alice.caller, volume.uuid)
    work_off()
    rules.delete(cloud.alice.caller, volume.uuid)
    work_off()
    assert used_gib(cloud.alice) == 0
    assert snapshots.get(cloud.alice.caller, waiting.uuid).status == "AVAILABLE"


def test_a_root_volumes_snapshot_says_what_its_server_says(cloud: People, make: Make, flavor: Any) -> None:
    from synnefo.cyclades.servers.models import Server

    volume = make()
    server = Server.objects.create(
        name="vm", userid=volume.userid, project=volume.project, flavor=flavor, operstate="STARTED", task=""
    )
    ServerMetadata.objects.create(server=server, key="OS", value="debian")
    ServerMetadata.objects.create(server=server, key="secret", value="x")
    Volume.objects.filter(pk=volume.pk).update(server=server, index=0, status="IN_USE")
    snapshot = taken(cloud, volume)
    assert snapshots.metadata_of(snapshot) == {"os": "debian"}


def test_an_image_of_a_volume_is_a_plain_image(cloud: People, make: Make) -> None:
    volume = make()
    made = snapshots.make_image(cloud.alice.caller, volume, name="golden", properties={"a": "b"})
    work_off()
    made.refresh_from_db()
    assert (made.status, made.is_snapshot, made.disk_format) == ("AVAILABLE", False, "raw")
    assert made.sha256
    assert Version.objects.get(uuid=made.uuid, state=0).object.container.name == "images"
    assert not snapshots.snapshots_for(cloud.alice.caller).exists()


def test_metadata_of_a_snapshot_are_its_properties(cloud: People, make: Make) -> None:
    alice, snapshot = cloud.alice.caller, taken(cloud, make(), metadata={"a": "1"})
    assert snapshots.set_metadata(alice, snapshot.uuid, {"b": "2"}) == {"a": "1", "b": "2"}
    assert snapshots.set_metadata(alice, snapshot.uuid, {"c": "3"}, replace=True) == {"c": "3"}
    assert snapshots.set_metadata(alice, snapshot.uuid, {"c": None}) == {}
    assert snapshots.get(alice, snapshot.uuid).properties == {"exclude_all_tasks": "yes"}


def test_snapshots_are_for_those_who_may(cloud: People, make: Make, settings: Any) -> None:
    volume = make()
    for allowed in (False, ["no-such-role"]):
        settings.CYCLADES_SNAPSHOTS_ENABLED = allowed
        with pytest.raises(faults.NotImplementedFault):
            snapshots.create(cloud.alice.caller, volume.uuid)
    settings.CYCLADES_SNAPSHOTS_ENABLED = sorted(cloud.alice.caller.roles)
    assert taken(cloud, volume).status == "AVAILABLE"


def test_nobody_else_sees_or_changes_a_snapshot(cloud: People, make: Make) -> None:
    snapshot, bob = taken(cloud, make()), cloud.bob.caller
    for act in (
        lambda: snapshots.get(bob, snapshot.uuid),
        lambda: snapshots.delete(bob, snapshot.uuid),
        lambda: snapshots.modify(bob, snapshot.uuid, name="x"),
        lambda: snapshots.set_metadata(bob, snapshot.uuid, {"a": "b"}),
    ):
        with pytest.raises(faults.ItemNotFound):
            act()


def test_a_snapshot_that_its_servers_removal_ended_is_cleared_away(
    cloud: People, image: Any, flavor: Any, engine_room: Any
) -> None:
    from synnefo.cyclades.operations.volumes import SnapshotVolume, sweep
    from synnefo.cyclades.servers import rules as servers
    from synnefo.cyclades.servers.requests import ServerRequest
    from synnefo.engine.models import Operation

    alice = cloud.alice.caller
    server, _ = servers.create(alice, ServerRequest("vm", image.uuid, flavor.uuid, []))
    work_off()
    waiting = snapshots.create(alice, server.volumes.get().uuid)
    procedure = SnapshotVolume(Operation.objects.get(kind="volume.snapshot"))
    procedure.freeze()
    procedure.store()
    servers.delete(alice, server.uuid)
    work_off()
    waiting.refresh_from_db()
    assert (waiting.status, stored_bytes(cloud.alice) > 0) == (Image.Status.SAVING, True)
    assert sweep() == 1
    waiting.refresh_from_db()
    assert (waiting.status, waiting.fault) == (Image.Status.ERROR, "Superseded by a deletion.")
    assert stored_bytes(cloud.alice) == 0
    assert not engine_room.engine.snapshots
    assert sweep() == 0
