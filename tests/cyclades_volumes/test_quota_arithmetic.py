"""Whatever is done with volumes in whatever order: what is charged is what there is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synnefo.common.accounts import accounts
from synnefo.common.faults import Fault
from synnefo.cyclades.volumes import owners, rules, snapshots
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.requests import VolumeRequest
from synnefo.engine.models import Commission
from tests.conftest import People, work_off

pytestmark = pytest.mark.django_db

_NUMBER = st.integers(0, 3)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(1, 4)),
        st.tuples(st.just("clone"), _NUMBER),
        st.tuples(st.just("delete"), _NUMBER),
        st.tuples(st.just("extend"), _NUMBER),
        st.tuples(st.just("snapshot"), _NUMBER),
        st.tuples(st.just("give"), _NUMBER),
        st.tuples(st.just("reserve"), _NUMBER),
        st.tuples(st.just("work"), st.just(0)),
        st.tuples(st.just("fail"), st.sampled_from([0, 1, 2, 3])),
    ),
    max_size=14,
)
_JOBS = ("create_volume", "snapshot_volume", "extend_volume", "delete_volume")


def _act(cloud: People, driver: Any, name: str, number: int) -> None:
    alice, bob = cloud.alice.caller, cloud.bob.caller
    if name == "work":
        work_off()
        return
    if name == "fail":
        driver.fail_next_job(_JOBS[number], "no room")
        return
    if name == "create":
        rules.create(alice, VolumeRequest(size_gib=number))
        return
    found = list(rules.volumes_for(alice).order_by("pk"))
    if not found:
        return
    volume = found[number % len(found)]
    if name == "clone":
        rules.create(alice, VolumeRequest(source=Volume.Source.VOLUME, source_uuid=volume.uuid))
    elif name == "delete":
        rules.delete(alice, volume.uuid)
    elif name == "extend":
        rules.extend(alice, volume.uuid, volume.size_gib + 1 + number)
    elif name == "snapshot":
        snapshots.create(alice, volume.uuid)
    elif name == "reserve":
        rules.reserve(alice, volume.uuid)
    else:
        made, key = owners.offer(alice, volume.uuid)
        owners.accept(bob, made.uuid, key)


def _charged(person: Any) -> tuple[int, int]:
    use = accounts().quotas(person.caller.user, person.caller.project)["cyclades.disk"]
    return use.usage, use.pending


def _there(person: Any) -> int:
    rows = Volume.objects.filter(userid=person.caller.user, deleted=False)
    return sum(row.size_gib for row in rows) * 2**30


@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(acts=ACTS)
def test_what_is_charged_is_what_is_there(cloud: People, engine_room: Any, acts: Any) -> None:
    from django.db import transaction

    sid = transaction.savepoint()
    try:
        for name, number in acts:
            try:
                _act(cloud, engine_room, name, number)
            except Fault:
                continue
        work_off()
        for person in (cloud.alice, cloud.bob):
            assert _charged(person) == (_there(person), 0)
        assert not Commission.objects.filter(accept=None).exists()
        on_engine = {row.engine_name for row in Volume.objects.filter(deleted=False) if row.backend_id}
        assert {name for name in engine_room.volumes() if "vol-" in name} <= on_engine
    finally:
        transaction.savepoint_rollback(sid)
        engine_room.engine.disks.clear()
        engine_room.engine.snapshots.clear()
        engine_room.engine.fences.clear()
        engine_room.stop_failing()
