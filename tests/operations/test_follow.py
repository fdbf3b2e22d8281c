"""What engines show wins over what the database believed, with its effect on quota."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from synnefo.common.accounts import accounts
from synnefo.cyclades.backends.base import REASON_HOST_REBOOTED, Event, EventKind, InstanceState, Power
from synnefo.cyclades.operations import follow
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import ServerRequest
from synnefo.engine.models import Operation
from tests.conftest import People

Settle = Callable[[], None]


@pytest.fixture
def server(cloud: People, image: Any, flavor: Any, settle: Settle) -> Server:
    made, _ = rules.create(cloud.alice.caller, ServerRequest("vm", image.uuid, flavor.uuid, []))
    settle()
    return made


def cpu(people: People) -> int:
    return accounts().quotas(people.alice.caller.user, people.alice.caller.project)["cyclades.cpu"].usage


def state_of(server: Server) -> str:
    server.refresh_from_db()
    return server.operstate


def test_a_guest_that_powers_off_is_stopped_and_no_longer_charged_as_running(
    cloud: People, server: Server, engine_room: Any
) -> None:
    engine_room.guest_powers_off(server.engine_name)
    follow.reconcile()
    assert state_of(server) == "STOPPED"
    assert not server.wanted_on
    assert cpu(cloud) == 0


def test_a_server_that_somebody_starts_on_the_engine_is_charged(
    cloud: People, server: Server, settle: Settle, engine_room: Any
) -> None:
    rules.stop(cloud.alice.caller, server.uuid)
    settle()
    engine_room.engine.switch(server.engine_name, Power.ON, EventKind.POWERED_ON)
    follow.reconcile()
    assert state_of(server) == "STARTED"
    assert cpu(cloud) == 1


def test_a_server_that_vanished_is_an_error(cloud: People, server: Server, engine_room: Any) -> None:
    engine_room.vanish(server.engine_name)
    follow.reconcile()
    assert state_of(server) == "ERROR"
    rules.delete(cloud.alice.caller, server.uuid)


def test_an_event_is_believed_at_once(cloud: People, server: Server, backend_row: Any) -> None:
    event = Event(server.engine_name, EventKind.CRASHED, timezone.now(), "QEMU was killed")
    follow.on_event(backend_row, event)
    assert state_of(server) == "STOPPED"
    assert server.fault == "QEMU was killed"


@pytest.mark.parametrize("name", ["snf-999999", "other-1", "snf-x", ""])
def test_events_of_unknown_instances_change_nothing(server: Server, backend_row: Any, name: str) -> None:
    follow.on_event(backend_row, Event(name, EventKind.POWERED_OFF, timezone.now()))
    assert state_of(server) == "STARTED"


def test_what_is_under_way_decides_itself(
    cloud: People, server: Server, settle: Settle, engine_room: Any
) -> None:
    rules.reboot(cloud.alice.caller, server.uuid, hard=True)
    follow.observe(server.pk, InstanceState(server.engine_name, Power.OFF), timezone.now())
    assert state_of(server) == "STARTED"
    settle()
    assert state_of(server) == "STARTED"


def test_an_old_look_does_not_overwrite_what_came_after_it(cloud: People, server: Server) -> None:
    earlier = server.updated - datetime.timedelta(seconds=5)
    follow.observe(server.pk, InstanceState(server.engine_name, Power.OFF), earlier)
    assert state_of(server) == "STARTED"


def test_after_a_reboot_of_the_host_what_ran_runs_again(
    cloud: People, server: Server, settle: Settle, engine_room: Any, image: Any, flavor: Any
) -> None:
    stopped, _ = rules.create(cloud.alice.caller, ServerRequest("off", image.uuid, flavor.uuid, []))
    settle()
    rules.stop(cloud.alice.caller, stopped.uuid)
    settle()
    for name in (server.engine_name, stopped.engine_name):
        engine_room.engine.switch(name, Power.OFF, EventKind.POWERED_OFF, REASON_HOST_REBOOTED)
    follow.reconcile()
    assert Operation.objects.filter(kind="server.restore", state="doing").count() == 1
    settle()
    assert state_of(server) == "STARTED"
    assert state_of(stopped) == "STOPPED"
    assert engine_room.instance(server.engine_name).power is Power.ON
    assert engine_room.instance(stopped.engine_name).power is Power.OFF
    assert cpu(cloud) == 1


def test_capacity_is_written_for_placement(cloud: People, server: Server, backend_row: Any) -> None:
    follow.reconcile()
    backend_row.refresh_from_db()
    assert backend_row.instances == 1
    assert backend_row.ram_total_mib > 0
