"""Rules of what servers become: who may, from what, and what it costs. Any order of actions is tried by
``tests/operations/test_life_machine.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.common import faults
from synnefo.common.accounts import accounts
from synnefo.common.units import GIB
from synnefo.cyclades.servers import life, rules, sharing, sizes, volumes
from synnefo.cyclades.servers.models import Server, ServerDiagnostic
from synnefo.cyclades.servers.requests import DeviceRequest, ServerRequest
from synnefo.cyclades.volumes import rules as volume_rules
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.rules import VolumeRequest
from tests.conftest import People, Person

Settle = Callable[[], None]


@pytest.fixture
def server(cloud: People, image: Any, flavor: Any, settle: Settle) -> Server:
    made, _ = rules.create(cloud.alice.caller, ServerRequest("vm", image.uuid, flavor.uuid, []))
    settle()
    return rules.get(cloud.alice.caller, made.uuid)


def used(person: Person) -> dict[str, int]:
    found = accounts().quotas(person.caller.user, person.caller.project)
    return {name: found[f"cyclades.{name}"].usage for name in ("vm", "cpu", "disk")}


def volume_of(person: Person, flavor: Any, **how: Any) -> Volume:
    wanted = {"size_gib": 1, "volume_type": flavor.volume_type, **how}
    return volume_rules.create(person.caller, VolumeRequest(**wanted))


def test_who_locked_it_unlocks_it(cloud: People, server: Server) -> None:
    alice, admin = cloud.alice.caller, cloud.admin.caller.everywhere()
    life.lock(alice, server.uuid)
    with pytest.raises(faults.WrongState, match="is locked"):
        rules.delete(alice, server.uuid)
    life.unlock(alice, server.uuid)
    Server.objects.filter(pk=server.pk).update(locked=True, locked_by="admin")
    with pytest.raises(faults.Forbidden):
        life.unlock(alice, server.uuid)
    assert admin.is_admin


def test_only_administrators_suspend_and_reset(cloud: People, server: Server) -> None:
    for act in (life.ban, life.unban):
        with pytest.raises(faults.Forbidden):
            act(cloud.alice.caller, server.uuid)
    with pytest.raises(faults.Forbidden):
        life.reset_state(cloud.alice.caller, server.uuid, Server.Oper.ERROR)
    with pytest.raises(faults.Forbidden):
        sharing.change_owner(cloud.alice.caller, server.uuid, "x", "y")


def test_a_server_boots_from_a_volume_that_stays(
    cloud: People, image: Any, flavor: Any, settle: Settle, engine_room: Any
) -> None:
    alice = cloud.alice
    source = {"source": Volume.Source.IMAGE, "source_uuid": image.uuid}
    root = volume_of(alice, flavor, **source)
    device = DeviceRequest("volume", root.uuid, boot_index=0, destination="volume")
    for _ in range(2):  # the second server finds what the first one left
        server, _ = rules.create(alice.caller, ServerRequest("vm", "", flavor.uuid, [], devices=[device]))
        settle()
        server = rules.get(alice.caller, server.uuid)
        assert (server.operstate, server.image) == ("STARTED", "")
        assert engine_room.disks(server.engine_name) == [root.engine_name]
        assert used(alice) == {"vm": 1, "cpu": 1, "disk": GIB}
        rules.delete(alice.caller, server.uuid)
        settle()
        assert used(alice) == {"vm": 0, "cpu": 0, "disk": GIB}
    blank = ServerRequest(
        "vm", "", flavor.uuid, [], devices=[DeviceRequest("blank", size_gib=1, boot_index=0)]
    )
    with pytest.raises(faults.BadRequest, match="empty disk"):
        rules.create(alice.caller, blank)


def test_what_a_volume_cannot_do(cloud: People, server: Server, flavor: Any, settle: Settle) -> None:
    alice = cloud.alice.caller
    root = volumes.volumes_of(server).get()
    with pytest.raises(faults.BadRequest, match="root device"):
        volumes.detach(alice, server.uuid, root.uuid)
    with pytest.raises(faults.BadRequest, match="not available"):
        volumes.attach(alice, server.uuid, root.uuid)
    with pytest.raises(faults.ItemNotFound):
        volumes.attach(alice, server.uuid, volume_of(cloud.bob, flavor).uuid)
    with pytest.raises(faults.BadRequest, match="must be greater"):
        volumes.extend(alice, server.uuid, root.uuid, 1)
    volumes.extend(alice, server.uuid, root.uuid, 2)
    settle()
    assert used(cloud.alice)["disk"] == 2 * GIB


def test_what_fails_is_told(
    cloud: People, server: Server, flavor: Any, settle: Settle, engine_room: Any
) -> None:
    engine_room.fail_next_job("pause", "x" * 300)
    life.pause(cloud.alice.caller, server.uuid)
    settle()
    [told] = ServerDiagnostic.objects.filter(server=server)
    assert (told.level, told.source, told.message, told.details) == (
        "ERROR", "server.pause", "x" * 255, "x" * 300
    )  # fmt: skip
    server.refresh_from_db()
    assert (server.operstate, server.task) == ("STARTED", "")


def test_over_quota_a_size_stays(cloud: People, server: Server, settle: Settle) -> None:
    from synnefo.astakos.projects import rules as projects
    from synnefo.cyclades.flavors import rules as flavors

    larger = flavors.create(cloud.admin.caller, cpu=2, ram=256, disk=1)
    project = projects.get(cloud.alice.caller.project)
    projects.set_limits(cloud.admin.caller, project, {"cyclades.cpu": (1, 1)})
    with pytest.raises(faults.OverLimit):
        sizes.resize(cloud.alice.caller, server.uuid, larger.uuid, confirm=True)
    server.refresh_from_db()
    assert (server.task, server.flavor.cpu) == ("", 1)


def test_an_administrator_gives_a_server_to_somebody_else(
    cloud: People, server: Server, settle: Settle
) -> None:
    from synnefo.common.caller import system_caller

    bob = cloud.bob
    sharing.change_owner(system_caller("tests"), server.uuid, bob.caller.user, bob.caller.project)
    assert used(cloud.alice) == {"vm": 0, "cpu": 0, "disk": 0}
    assert used(bob) == {"vm": 1, "cpu": 1, "disk": GIB}
    with pytest.raises(faults.ItemNotFound):
        rules.get(cloud.alice.caller, server.uuid)
    rules.delete(bob.caller, server.uuid)
    settle()
    assert used(bob) == {"vm": 0, "cpu": 0, "disk": 0}
