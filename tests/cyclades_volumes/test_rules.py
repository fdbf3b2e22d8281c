"""Rules of volumes: what they are made of, what they cost, who sees them."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

import pytest

from synnefo.common import faults
from synnefo.common.caller import Scope
from synnefo.common.objects import store_of
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.volume_types import rules as volume_types
from synnefo.cyclades.volumes import rules, snapshots
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.requests import VolumeRequest
from synnefo.pithos.seam.models import Hold
from tests.conftest import People, work_off
from tests.cyclades_volumes.conftest import CONTENT, used_gib

Make = Callable[..., Volume]
S = Volume.Status


def test_a_blank_volume_is_there_at_once_and_on_no_engine(
    cloud: People, make: Make, engine_room: Any
) -> None:
    volume = make(size_gib=3, name="data", metadata={"a": "b"})
    assert (volume.status, volume.backend, volume.materialised) == (S.AVAILABLE, None, False)
    assert {row.key: row.value for row in volume.metadata.all()} == {"a": "b"}
    assert engine_room.volumes() == []
    assert used_gib(cloud.alice) == 3
    rules.delete(cloud.alice.caller, volume.uuid)
    assert used_gib(cloud.alice) == 0
    assert Volume.objects.get().status == S.DELETED
    with pytest.raises(faults.ItemNotFound):
        rules.get(cloud.alice.caller, volume.uuid)


def test_a_volume_of_an_image_keeps_its_content_though_the_image_goes(
    cloud: People, make: Make, image: Any
) -> None:
    volume = make(source=Volume.Source.IMAGE, source_uuid=image.uuid)
    assert (volume.status, volume.disk_format, volume.bootable) == (S.AVAILABLE, "raw", True)
    assert volume.image_properties == {"os": "linux"}
    images.unregister(cloud.admin.caller, image.uuid)
    images.release_unused(datetime.timedelta(0))
    assert b"".join(store_of(volume.hold).read(volume.hold))[:3] == b"\xeb\x63\x90"
    rules.delete(cloud.alice.caller, volume.uuid)
    assert not Hold.objects.exists()


def test_a_source_that_is_not_there_or_too_large_is_refused(cloud: People, make: Make, image: Any) -> None:
    images.modify(cloud.admin.caller, image.uuid, wanted_disk_gib=5)
    for wanted, fault in (
        ({"source": Volume.Source.IMAGE, "source_uuid": image.uuid}, faults.BadRequest),
        ({"source": Volume.Source.IMAGE, "source_uuid": "no-such-image"}, faults.ItemNotFound),
        ({"source": Volume.Source.SNAPSHOT, "source_uuid": image.uuid}, faults.ItemNotFound),
        ({"source": Volume.Source.VOLUME, "source_uuid": image.uuid}, faults.ItemNotFound),
        ({"source_uuid": image.uuid}, faults.BadRequest),
        ({"size_gib": 0}, faults.BadRequest),
        ({"size_gib": 201}, faults.BadRequest),
        ({"name": "x" * 256}, faults.BadRequest),
        ({"description": "x" * 256}, faults.BadRequest),
        ({"metadata": {"": "x"}}, faults.BadRequest),
        ({"metadata": {str(number): "" for number in range(11)}}, faults.BadRequest),
    ):
        with pytest.raises(fault):
            make(**wanted)
    assert not Volume.objects.exists()
    assert used_gib(cloud.alice) == 0
    assert make(source=Volume.Source.IMAGE, source_uuid=image.uuid, size_gib=None).size_gib == 5


def test_a_copy_of_a_volume_without_data_is_made_without_an_engine(make: Make, image: Any) -> None:
    first = make(source=Volume.Source.IMAGE, source_uuid=image.uuid)
    copy = make(source=Volume.Source.VOLUME, source_uuid=first.uuid, size_gib=2)
    assert (copy.status, copy.size_gib, copy.bootable) == (S.AVAILABLE, 2, True)
    assert copy.hold != first.hold
    assert store_of(copy.hold).held(copy.hold) == store_of(first.hold).held(first.hold)


def test_a_copy_of_a_volume_with_data_is_read_from_its_engine(
    cloud: People, make: Make, engine_room: Any
) -> None:
    first = make()
    snapshots.create(cloud.alice.caller, first.uuid)
    work_off()
    copy = make(source=Volume.Source.VOLUME, source_uuid=first.uuid)
    assert (copy.status, copy.materialised) == (S.AVAILABLE, False)
    assert b"".join(store_of(copy.hold).read(copy.hold)) == CONTENT
    assert not engine_room.engine.snapshots


def test_a_copy_that_fails_is_an_error_that_can_be_removed(
    cloud: People, make: Make, engine_room: Any
) -> None:
    first = make()
    snapshots.create(cloud.alice.caller, first.uuid)
    work_off()
    engine_room.fail_next_job("snapshot_volume", "no room")
    copy = make(source=Volume.Source.VOLUME, source_uuid=first.uuid)
    assert (copy.status, copy.fault) == (S.ERROR, "no room")
    rules.delete(cloud.alice.caller, copy.uuid)
    assert used_gib(cloud.alice) == 1


def test_a_volume_with_data_goes_from_its_engine_first(cloud: People, make: Make, engine_room: Any) -> None:
    volume = make()
    snapshots.create(cloud.alice.caller, volume.uuid)
    work_off()
    assert engine_room.volumes() == [volume.engine_name]
    rules.delete(cloud.alice.caller, volume.uuid)
    assert rules.get(cloud.alice.caller, volume.uuid).status == S.DELETING
    work_off()
    assert engine_room.volumes() == []
    assert used_gib(cloud.alice) == 0


def test_extending_costs_more_and_failing_costs_nothing(cloud: People, make: Make, engine_room: Any) -> None:
    volume = make()
    assert rules.extend(cloud.alice.caller, volume.uuid, 3).size_gib == 3
    assert used_gib(cloud.alice) == 3
    snapshots.create(cloud.alice.caller, volume.uuid)
    work_off()
    assert rules.extend(cloud.alice.caller, volume.uuid, 5).status == S.EXTENDING
    work_off()
    assert (rules.get(cloud.alice.caller, volume.uuid).size_gib, used_gib(cloud.alice)) == (5, 5)
    engine_room.fail_next_job("extend_volume", "no room")
    rules.extend(cloud.alice.caller, volume.uuid, 9)
    work_off()
    found = rules.get(cloud.alice.caller, volume.uuid)
    assert (found.status, found.size_gib, found.fault, used_gib(cloud.alice)) == (
        S.AVAILABLE, 5, "no room", 5,
    )  # fmt: skip
    for size in (5, 4, 0, 201):
        with pytest.raises(faults.BadRequest):
            rules.extend(cloud.alice.caller, volume.uuid, size)


def test_a_project_has_so_much_of_a_type(cloud: People, make: Make, settings: Any) -> None:
    settings.CYCLADES_VOLUME_TYPE_MAX_GIB = {"local": 4}
    volume = make(size_gib=3)
    with pytest.raises(faults.OverLimit):
        make(size_gib=2)
    with pytest.raises(faults.OverLimit):
        rules.extend(cloud.alice.caller, volume.uuid, 5)
    make(size_gib=1)
    assert used_gib(cloud.alice) == 4


def test_what_cannot_be_detached_cannot_be_without_a_server(cloud: People, make: Make) -> None:
    drbd = volume_types.create(cloud.admin.caller, name="DRBD", disk_template="drbd")
    with pytest.raises(faults.BadRequest):
        make(volume_type=drbd)


def test_nobody_else_sees_a_volume(cloud: People, make: Make) -> None:
    volume, bob = make(), cloud.bob.caller
    assert not rules.volumes_for(bob).exists()
    for act in (
        lambda: rules.get(bob, volume.uuid),
        lambda: rules.find(bob, volume.pk),
        lambda: rules.delete(bob, volume.uuid),
        lambda: rules.extend(bob, volume.uuid, 2),
        lambda: rules.describe(bob, volume.uuid, name="x"),
        lambda: rules.set_metadata(bob, volume.uuid, {"a": "b"}),
        lambda: rules.reserve(bob, volume.uuid),
        lambda: snapshots.create(bob, volume.uuid),
        lambda: rules.create(bob, VolumeRequest(source=Volume.Source.VOLUME, source_uuid=volume.uuid)),
    ):
        with pytest.raises(faults.ItemNotFound):
            act()


def test_metadata_are_merged_replaced_and_removed(cloud: People, make: Make) -> None:
    alice, volume = cloud.alice.caller, make(metadata={"a": "1"})
    assert rules.set_metadata(alice, volume.uuid, {"b": "2"}) == {"a": "1", "b": "2"}
    assert rules.set_metadata(alice, volume.uuid, {"c": "3"}, replace=True) == {"c": "3"}
    rules.delete_metadata(alice, volume.uuid, "c")
    with pytest.raises(faults.ItemNotFound):
        rules.delete_metadata(alice, volume.uuid, "c")
    with pytest.raises(faults.BadRequest):
        rules.set_metadata(alice, volume.uuid, {"k": "v" * 256})


def test_a_reserved_volume_is_kept_for_a_server(cloud: People, make: Make) -> None:
    alice, volume = cloud.alice.caller, make()
    rules.reserve(alice, volume.uuid)
    for act in (rules.reserve, rules.delete):
        with pytest.raises(faults.WrongState):
            act(alice, volume.uuid)
    rules.unreserve(alice, volume.uuid)
    assert rules.get(alice, volume.uuid).status == S.AVAILABLE


def test_only_administrators_say_what_state_a_volume_is_in(cloud: People, make: Make) -> None:
    volume = make()
    with pytest.raises(faults.Forbidden):
        rules.reset_status(cloud.alice.caller, volume.uuid, S.ERROR)
    admin = dataclasses.replace(cloud.admin.caller, scope=Scope.CLOUD)
    rules.reset_status(admin, volume.uuid, S.ERROR)
    assert rules.get(cloud.alice.caller, volume.uuid).status == S.ERROR


def test_while_an_engine_is_out_of_reach_nothing_is_asked_of_it(
    cloud: People, make: Make, backend_row: Any
) -> None:
    alice, volume, free = cloud.alice.caller, make(), make()
    snapshots.create(alice, volume.uuid)
    work_off()
    backend_row.offline = True
    backend_row.save()
    for act in (
        lambda: rules.delete(alice, volume.uuid),
        lambda: rules.extend(alice, volume.uuid, 2),
        lambda: snapshots.create(alice, volume.uuid),
        lambda: make(source=Volume.Source.VOLUME, source_uuid=volume.uuid),
    ):
        with pytest.raises(faults.ServiceUnavailable):
            act()
    rules.delete(alice, free.uuid)
    assert used_gib(cloud.alice) == 1
    assert rules.get(alice, volume.uuid).status == S.AVAILABLE
