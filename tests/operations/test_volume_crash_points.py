"""Operations on volumes without servers survive the death of their dispatcher at any point."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from synnefo.common.accounts import accounts
from synnefo.cyclades.backends.memory_room import Disk
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.volumes import rules, snapshots
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.requests import VolumeRequest
from synnefo.engine.models import Commission, Operation, Target
from synnefo.engine.procedure import REGISTRY
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.seam.models import Hold
from tests.conftest import People, work_off
from tests.operations.crashes import run_with_crash_at

MOST_POINTS = 120
_ROOM = ("instances", "disks", "snapshots", "fences")


class Stage:
    """What the scenarios do, and on what."""

    def __init__(self, cloud: People, driver: Any) -> None:
        self.caller, self.driver = cloud.alice.caller, driver

    def volume(self, **wanted: Any) -> Volume:
        return rules.create(self.caller, VolumeRequest(**{"size_gib": 1, **wanted}))

    def with_data(self) -> Volume:
        """A volume that is on the engine."""
        volume = self.volume()
        made = snapshots.create(self.caller, volume.uuid)
        work_off()
        snapshots.delete(self.caller, made.uuid)
        return volume

    def no_more(self, method: str) -> None:
        for _ in range(10):
            self.driver.fail_next_job(method, "no room")


def snapshot(stage: Stage) -> str:
    snapshots.create(stage.caller, stage.volume().uuid)
    return "volume.snapshot"


def snapshot_with_data(stage: Stage) -> str:
    snapshots.create(stage.caller, stage.with_data().uuid)
    return "volume.snapshot"


def snapshot_failing(stage: Stage) -> str:
    volume = stage.with_data()
    stage.no_more("snapshot_volume")
    snapshots.create(stage.caller, volume.uuid)
    return "volume.snapshot"


def snapshot_of_what_cannot_be_made(stage: Stage) -> str:
    stage.no_more("create_volume")
    return snapshot(stage)


def image(stage: Stage) -> str:
    snapshots.make_image(stage.caller, stage.with_data(), name="golden")
    return "volume.snapshot"


def clone(stage: Stage) -> str:
    source = stage.with_data()
    stage.volume(source=Volume.Source.VOLUME, source_uuid=source.uuid)
    return "volume.clone"


def clone_failing(stage: Stage) -> str:
    source = stage.with_data()
    stage.no_more("snapshot_volume")
    stage.volume(source=Volume.Source.VOLUME, source_uuid=source.uuid)
    return "volume.clone"


def delete(stage: Stage) -> str:
    rules.delete(stage.caller, stage.with_data().uuid)
    return "volume.delete"


def delete_failing(stage: Stage) -> str:
    volume = stage.with_data()
    stage.no_more("delete_volume")
    rules.delete(stage.caller, volume.uuid)
    return "volume.delete"


def extend(stage: Stage) -> str:
    rules.extend(stage.caller, stage.with_data().uuid, 3)
    return "volume.extend"


def extend_failing(stage: Stage) -> str:
    volume = stage.with_data()
    stage.no_more("extend_volume")
    rules.extend(stage.caller, volume.uuid, 3)
    return "volume.extend"


SCENARIOS: tuple[Callable[[Stage], str], ...] = (
    snapshot, snapshot_with_data, snapshot_failing, snapshot_of_what_cannot_be_made, image, clone,
    clone_failing, delete, delete_failing, extend, extend_failing,
)  # fmt: skip


@pytest.fixture
def stage(cloud: People, engine_room: Any, monkeypatch: pytest.MonkeyPatch) -> Stage:
    def pieces(disk: Disk) -> Iterator[bytes]:
        yield b"what stands on the disk" + bytes(1000)

    monkeypatch.setattr(Disk, "pieces", pieces)
    return Stage(cloud, engine_room)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_death_at_any_point_changes_nothing_in_the_end(
    scenario: Callable[[Stage], str], stage: Stage, backend_row: Any
) -> None:
    expected: dict[str, Any] | None = None
    for point in range(MOST_POINTS):
        sid = transaction.savepoint()
        room = _photograph(stage.driver)
        kind = scenario(stage)
        assert REGISTRY[kind]
        died = run_with_crash_at(point, backend_row, stage.driver)
        found = _outcome(stage)
        if point == 0:
            expected = found
        else:
            assert found == expected, f"after a death at point {point}"
        transaction.savepoint_rollback(sid)
        _put_back(stage.driver, room)
        if point and not died:
            assert point > 4, "the harness met almost no points"
            return
    pytest.fail(f"more than {MOST_POINTS} points")


def test_every_kind_of_operation_has_a_scenario(stage: Stage) -> None:
    covered = set()
    for scenario in SCENARIOS:
        sid = transaction.savepoint()
        room = _photograph(stage.driver)
        covered.add(scenario(stage))
        transaction.savepoint_rollback(sid)
        _put_back(stage.driver, room)
    assert covered == {kind for kind in REGISTRY if kind.startswith("volume.")}


def _outcome(stage: Stage) -> dict[str, Any]:
    """All that must be the same whether somebody died or not."""
    quotas = accounts().quotas(stage.caller.user, stage.caller.project)
    volumes = Volume.objects.order_by("pk")
    return {
        "volumes": list(volumes.values_list("status", "size_gib", "deleted", "fault", "materialised")),
        "held": [bool(volume.hold) for volume in volumes],
        "images": list(Image.objects.order_by("pk").values_list("status", "fault", "deleted", "size_bytes")),
        "objects": Version.objects.filter(state=Version.State.CURRENT).count(),
        "holds": Hold.objects.count(),
        "usage": {name: (use.usage, use.pending, use.project_usage) for name, use in quotas.items()},
        "undecided": Commission.objects.filter(accept=None).count(),
        "active": Operation.objects.filter(state__in=Operation.ACTIVE).count(),
        "active targets": Target.objects.filter(active=True).count(),
        "disks": sorted(disk.size_gib for disk in stage.driver.engine.disks.values()),
        "kept on the engine": len(stage.driver.engine.snapshots),
    }


def _photograph(driver: Any) -> dict[str, Any]:
    return {name: copy.deepcopy(getattr(driver.engine, name)) for name in _ROOM}


def _put_back(driver: Any, room: dict[str, Any]) -> None:
    for name, value in room.items():
        setattr(driver.engine, name, value)
    driver.engine.tasks.clear()
    driver.stop_failing()
