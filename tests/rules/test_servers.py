"""Rules of servers: states, charges, who sees what, what a refused call leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.common import faults
from synnefo.common.accounts import accounts
from synnefo.common.units import GIB, MIB
from synnefo.cyclades.backends.base import Power
from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import IPAddress, Port
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import NicRequest, ServerRequest
from synnefo.engine.models import Commission, Operation
from tests.conftest import People, Person

Settle = Callable[[], None]


@pytest.fixture
def network(cloud: People) -> Any:
    made = networks.create(cloud.alice.caller, name="lan")
    networks.create_subnet(cloud.alice.caller, made.uuid, cidr="10.0.0.0/24")
    return made


@pytest.fixture
def wanted(network: Any, image: Any, flavor: Any) -> ServerRequest:
    return ServerRequest("web-1", image.uuid, flavor.uuid, [NicRequest(network=network.uuid)])


def usage(person: Person) -> dict[str, int]:
    found = accounts().quotas(person.caller.user, person.caller.project)
    names = ("vm", "cpu", "ram", "total_cpu", "total_ram", "disk")
    return {name: found[f"cyclades.{name}"].usage for name in names}


def pending(person: Person) -> int:
    found = accounts().quotas(person.caller.user, person.caller.project)
    return sum(use.pending + use.project_pending for use in found.values())


RUNNING = {"vm": 1, "cpu": 1, "ram": 256 * MIB, "total_cpu": 1, "total_ram": 256 * MIB, "disk": GIB}
STOPPED = {**RUNNING, "cpu": 0, "ram": 0}
NOTHING = dict.fromkeys(RUNNING, 0)


def test_a_server_is_built_stopped_started_rebooted_and_deleted_with_its_charges(
    cloud: People, wanted: ServerRequest, settle: Settle, engine_room: Any
) -> None:
    alice = cloud.alice
    server, password = rules.create(alice.caller, wanted)
    assert server.operstate == "BUILD"
    assert usage(alice) == RUNNING
    assert len(password) == 12
    settle()
    server = rules.get(alice.caller, server.uuid)
    assert (server.operstate, server.task, server.fault) == ("STARTED", "", "")
    assert engine_room.instance(server.engine_name).power is Power.ON
    rules.stop(alice.caller, server.uuid)
    assert usage(alice) == RUNNING
    settle()
    assert rules.get(alice.caller, server.uuid).operstate == "STOPPED"
    assert usage(alice) == STOPPED
    rules.start(alice.caller, server.uuid)
    settle()
    assert rules.get(alice.caller, server.uuid).operstate == "STARTED"
    rules.reboot(alice.caller, server.uuid, hard=False)
    settle()
    assert rules.get(alice.caller, server.uuid).operstate == "STARTED"
    assert usage(alice) == RUNNING
    rules.delete(alice.caller, server.uuid)
    settle()
    with pytest.raises(faults.ItemNotFound):
        rules.get(alice.caller, server.uuid)
    assert usage(alice) == NOTHING
    assert pending(alice) == 0
    assert engine_room.instances() == []
    assert not Commission.objects.filter(accept=None).exists()
    assert not IPAddress.objects.filter(floating_ip=False).exists()


def test_the_password_does_not_outlive_the_building(
    cloud: People, wanted: ServerRequest, settle: Settle
) -> None:
    _, password = rules.create(cloud.alice.caller, wanted)
    settle()
    for row in Operation.objects.all():
        assert password not in f"{row.payload}{row.secret}{row.error}"


def test_a_failed_building_ends_in_error_stays_charged_and_leaves_nothing_on_the_engine(
    cloud: People, wanted: ServerRequest, settle: Settle, engine_room: Any
) -> None:
    engine_room.fail_next_job("create", "no space")
    server, _ = rules.create(cloud.alice.caller, wanted)
    settle()
    server = rules.get(cloud.alice.caller, server.uuid)
    assert (server.operstate, server.fault) == ("ERROR", "no space")
    assert usage(cloud.alice) == RUNNING
    assert engine_room.instances() == []
    rules.delete(cloud.alice.caller, server.uuid)
    settle()
    assert usage(cloud.alice) == NOTHING


def test_a_failed_start_gives_the_charge_back(
    cloud: People, wanted: ServerRequest, settle: Settle, engine_room: Any
) -> None:
    server, _ = rules.create(cloud.alice.caller, wanted)
    settle()
    rules.stop(cloud.alice.caller, server.uuid)
    settle()
    engine_room.fail_next_job("start", "no memory")
    rules.start(cloud.alice.caller, server.uuid)
    settle()
    server = rules.get(cloud.alice.caller, server.uuid)
    assert (server.operstate, server.fault) == ("STOPPED", "no memory")
    assert usage(cloud.alice) == STOPPED
    assert pending(cloud.alice) == 0


@pytest.mark.parametrize("phase", ["queued", "claimed", "job runs"])
def test_a_server_can_be_deleted_while_it_is_being_built(
    cloud: People, wanted: ServerRequest, settle: Settle, engine_room: Any, phase: str
) -> None:
    from synnefo.engine import runner

    server, _ = rules.create(cloud.alice.caller, wanted)
    claimed = []
    if phase != "queued":
        claimed = runner.claim("sleeper", 5)
    if phase == "job runs":
        engine_room.hold_jobs()
        for row in claimed:
            runner.work(row)
        engine_room.release_jobs()
    rules.delete(cloud.alice.caller, server.uuid)
    if phase == "claimed":
        for row in claimed:
            runner.work(row)
    settle()
    assert Server.objects.get(pk=server.pk).deleted
    assert engine_room.instances() == []
    assert usage(cloud.alice) == NOTHING
    assert pending(cloud.alice) == 0


def test_a_stop_under_way_is_given_up_by_a_deletion(
    cloud: People, wanted: ServerRequest, settle: Settle, engine_room: Any
) -> None:
    server, _ = rules.create(cloud.alice.caller, wanted)
    settle()
    rules.stop(cloud.alice.caller, server.uuid)
    rules.delete(cloud.alice.caller, server.uuid)
    settle()
    assert usage(cloud.alice) == NOTHING
    assert pending(cloud.alice) == 0


def test_one_action_at_a_time(cloud: People, wanted: ServerRequest, settle: Settle) -> None:
    server, _ = rules.create(cloud.alice.caller, wanted)
    with pytest.raises(faults.BuildInProgress):
        rules.stop(cloud.alice.caller, server.uuid)
    settle()
    rules.stop(cloud.alice.caller, server.uuid)
    with pytest.raises(faults.Conflict):
        rules.start(cloud.alice.caller, server.uuid)
    settle()
    with pytest.raises(faults.Conflict):
        rules.stop(cloud.alice.caller, server.uuid)


def test_others_do_not_see_it(cloud: People, wanted: ServerRequest, settle: Settle) -> None:
    server, _ = rules.create(cloud.alice.caller, wanted)
    settle()
    before = Operation.objects.count()
    for act in (rules.get, rules.start, rules.stop, rules.delete):
        with pytest.raises(faults.ItemNotFound):
            act(cloud.bob.caller, server.uuid)
    assert list(rules.servers_for(cloud.bob.caller)) == []
    assert Operation.objects.count() == before


def test_over_quota_nothing_is_made(cloud: People, wanted: ServerRequest) -> None:
    from synnefo.astakos.projects import rules as projects

    project = projects.get(cloud.alice.caller.project)
    projects.set_limits(cloud.admin.caller, project, {"cyclades.vm": (0, 0)})
    with pytest.raises(faults.OverLimit):
        rules.create(cloud.alice.caller, wanted)
    assert not Server.objects.exists()
    assert not Port.objects.exists()
    assert not Operation.objects.filter(kind="server.create").exists()
    assert usage(cloud.alice) == NOTHING
    assert pending(cloud.alice) == 0


def test_bad_wishes_are_refused_and_change_nothing(
    cloud: People, network: Any, image: Any, flavor: Any
) -> None:
    alice = cloud.alice.caller
    nic = [NicRequest(network=network.uuid)]
    wishes = [
        (ServerRequest("", image.uuid, flavor.uuid, nic), faults.BadRequest),
        (ServerRequest("x" * 256, image.uuid, flavor.uuid, nic), faults.BadRequest),
        (ServerRequest("a", image.uuid, network.uuid, nic), faults.BadRequest),
        (ServerRequest("a", flavor.uuid, flavor.uuid, nic), faults.ItemNotFound),
        (ServerRequest("a", image.uuid, flavor.uuid, [NicRequest(network=flavor.uuid)]), faults.BadRequest),
        (ServerRequest("a", image.uuid, flavor.uuid, nic, key_name="none"), faults.BadRequest),
        (ServerRequest("a", image.uuid, flavor.uuid, nic, user_data=b"x" * 70_000), faults.RequestTooLarge),
        (ServerRequest("a", image.uuid, flavor.uuid, nic, metadata={"k" * 256: "v"}), faults.BadRequest),
        (
            ServerRequest("a", image.uuid, flavor.uuid, [NicRequest(network.uuid, "10.9.9.9")]),
            faults.BadRequest,
        ),
        (
            ServerRequest("a", image.uuid, flavor.uuid, [NicRequest(network.uuid, "10.0.0.1")]),
            faults.Conflict,
        ),
    ]
    for wish, kind in wishes:
        with pytest.raises(kind):
            rules.create(alice, wish)
    assert not Server.objects.exists()
    assert not Port.objects.exists()
    assert usage(cloud.alice) == NOTHING


def test_without_networks_named_the_only_one_is_taken(
    cloud: People, network: Any, image: Any, flavor: Any, settle: Settle
) -> None:
    alice = cloud.alice.caller
    server, _ = rules.create(alice, ServerRequest("a", image.uuid, flavor.uuid))
    assert [port.network_id for port in server.ports.all()] == [network.pk]
    networks.create(alice, name="second")
    with pytest.raises(faults.Conflict):
        rules.create(alice, ServerRequest("b", image.uuid, flavor.uuid))
    none, _ = rules.create(cloud.bob.caller, ServerRequest("c", image.uuid, flavor.uuid))
    assert not none.ports.exists()


def test_a_floating_ip_leads_to_the_server_and_is_free_when_it_goes(
    cloud: People, wanted: ServerRequest, network: Any, settle: Settle, engine_room: Any
) -> None:
    alice = cloud.alice.caller
    server, _ = rules.create(alice, wanted)
    settle()
    port = server.ports.get()
    ip = floating.create(alice, port_uuid=port.uuid)
    settle()
    assert dict(engine_room.network(network.engine_name).floating) == {ip.address: "10.0.0.2"}
    with pytest.raises(faults.Conflict):
        floating.create(alice, port_uuid=port.uuid)
    with pytest.raises(faults.ItemNotFound):
        floating.create(cloud.bob.caller, port_uuid=port.uuid)
    rules.delete(alice, server.uuid)
    settle()
    assert floating.get(alice, ip.uuid).nat_port is None
    assert dict(engine_room.network(network.engine_name).floating) == {}
    floating.delete(alice, ip.uuid)
    assert accounts().quotas(alice.user, alice.project)["cyclades.floating_ip"].usage == 0


def test_a_network_in_use_stays_and_an_unused_one_leaves_the_engine(
    cloud: People, wanted: ServerRequest, network: Any, settle: Settle, engine_room: Any
) -> None:
    alice = cloud.alice.caller
    server, _ = rules.create(alice, wanted)
    settle()
    with pytest.raises(faults.Conflict):
        networks.delete(alice, network.uuid)
    rules.delete(alice, server.uuid)
    settle()
    assert engine_room.networks() == [network.engine_name]
    networks.delete(alice, network.uuid)
    settle()
    assert engine_room.networks() == []
    assert accounts().quotas(alice.user, alice.project)["cyclades.network.private"].usage == 0
    with pytest.raises(faults.ItemNotFound):
        networks.get(alice, network.uuid)


def test_operations_on_one_network_may_overtake_each_other(
    cloud: People, wanted: ServerRequest, network: Any, settle: Settle, engine_room: Any
) -> None:
    from synnefo.cyclades.networks import ports
    from synnefo.engine import runner

    rules.create(cloud.alice.caller, wanted)
    settle()
    ports.create(cloud.alice.caller, network.uuid)
    rules.create(cloud.alice.caller, wanted)
    rows = [row for row in runner.claim("many", 10) if row.kind != "security_group.spread"]
    claimed = sorted(rows, key=lambda row: -row.pk)
    assert [row.kind for row in claimed] == ["server.create", "network.apply"]
    for row in claimed:
        runner.work(row)
        row.refresh_from_db()
        assert row.state == "succeeded"
    assert len(engine_room.network(network.engine_name).leases) == 3
