"""Commands that compare what is written with what there is, and figures about the cloud."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.test import Client

from synnefo.astakos.quotas.models import Holding
from synnefo.common.accounts import accounts, provisions_for
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server, ServerTag
from synnefo.cyclades.servers.requests import ServerRequest
from synnefo.cyclades.upkeep import holdings
from synnefo.cyclades.volumes.models import Volume
from tests.conftest import People, work_off
from tests.manage import manage


@pytest.fixture
def server(cloud: People, image: Any, flavor: Any) -> Server:
    made, _ = servers.create(
        cloud.alice.caller, ServerRequest(name="web", image=image.uuid, flavor=flavor.uuid, nics=[])
    )
    work_off()
    return Server.objects.get(pk=made.pk)


def found() -> list[tuple[str, str]]:
    told = manage("reconcile-servers", "--output-format", "json")
    return [(row["kind"], row["what"]) for row in json.loads(told or "[]")]


def usage(person: Any, resource: str) -> int:
    return accounts().quotas(person.user.uuid, person.caller.project)[resource].usage


def test_nothing_is_found_where_all_is_well(server: Server) -> None:
    assert found() == []


def test_a_server_that_its_engine_lost_is_deleted_and_free(
    server: Server, engine_room: Any, cloud: People
) -> None:
    engine_room.engine.instances.clear()
    assert found() == [("stale", f"server {server.pk} is not there")]
    assert usage(cloud.alice, "cyclades.vm") == 1
    manage("reconcile-servers", "--fix-stale")
    work_off()
    server.refresh_from_db()
    assert server.deleted
    assert usage(cloud.alice, "cyclades.vm") == 0


def test_what_is_no_servers_is_removed_from_engines(server: Server, engine_room: Any) -> None:
    Server.objects.filter(pk=server.pk).update(deleted=True)
    assert found() == [("orphans", f"snf-{server.pk} is no server's")]
    manage("reconcile-servers", "--fix-orphans")
    work_off()
    assert engine_room.instances() == []
    assert found() == []


def test_the_state_that_an_engine_shows_is_written_down_and_charged(
    server: Server, cloud: People, engine_room: Any
) -> None:
    Server.objects.filter(pk=server.pk).update(operstate=Server.Oper.STOPPED)
    [(kind, what)] = found()
    assert kind == "unsynced"
    assert "STOPPED here, on there" in what
    manage("reconcile-servers", "--fix-orphans")
    server.refresh_from_db()
    assert server.operstate == Server.Oper.STOPPED, "only what is asked for is mended"
    manage("reconcile-servers", "--fix-unsynced")
    server.refresh_from_db()
    assert server.operstate == Server.Oper.STARTED


def test_a_building_that_nobody_goes_on_with_ends(server: Server, engine_room: Any) -> None:
    Server.objects.filter(pk=server.pk).update(operstate=Server.Oper.BUILD, task=Server.Task.BUILD)
    assert found() == [("unsynced", f"server {server.pk} is being built by nobody")]
    manage("reconcile-servers", "--fix-all")
    server.refresh_from_db()
    assert (server.operstate, server.task) == (Server.Oper.STARTED, "")


def test_tasks_tags_and_disks_that_wait_for_nobody_are_mended(server: Server) -> None:
    ServerTag.objects.create(server=server, tag="t", status="PENDADD")
    Volume.objects.filter(server=server).update(status=Volume.Status.EXTENDING)
    assert [kind for kind, _ in found()] == ["unsynced-tags", "unsynced-disks"]
    manage("reconcile-servers", "--fix-unsynced-tags", "--fix-unsynced-disks")
    assert ServerTag.objects.get().status == "ACTIVE"
    assert Volume.objects.get().status == Volume.Status.IN_USE
    Server.objects.update(task=Server.Task.REBOOT)
    assert [kind for kind, _ in found()] == ["pending-tasks"]
    manage("reconcile-servers", "--fix-pending-tasks")
    assert Server.objects.get().task == ""


def test_snapshots_that_nobody_makes_have_failed(server: Server) -> None:
    Image.objects.create(userid="u", project="u", name="s", is_snapshot=True, status="SAVING", volume_id=999)
    assert [kind for kind, _ in found()] == ["unsynced-snapshots"]
    manage("reconcile-servers", "--fix-unsynced-snapshots")
    assert Image.objects.get(name="s").status == Image.Status.ERROR


def test_what_is_under_way_is_left_alone(cloud: People, image: Any, flavor: Any) -> None:
    servers.create(
        cloud.alice.caller, ServerRequest(name="web", image=image.uuid, flavor=flavor.uuid, nics=[])
    )
    assert found() == []


def test_engines_that_are_offline_are_not_asked_and_silent_ones_are_named(
    server: Server, engine_room: Any, monkeypatch: Any
) -> None:
    from synnefo.cyclades.backends.base import BackendUnavailable

    def silent() -> None:
        raise BackendUnavailable("no answer")

    monkeypatch.setattr(engine_room, "instances", silent)
    with pytest.raises(CommandError, match="memory"):
        manage("reconcile-servers")
    Backend.objects.update(offline=True)
    assert found() == []


def test_what_there_is_is_what_is_charged(server: Server, cloud: People, public_network: Any) -> None:
    from synnefo.cyclades.networks import floating
    from synnefo.cyclades.networks import rules as networks

    networks.create(cloud.alice.caller, name="mine")
    floating.create(cloud.alice.caller, public_network.uuid)
    assert holdings.differences() == []
    assert manage("reconcile-resources-cyclades") == ""


def test_charges_that_differ_are_told_and_mended(server: Server, cloud: People) -> None:
    Holding.objects.filter(resource="cyclades.disk", holder=f"user:{cloud.alice.user.uuid}").update(
        folded_min=0, folded_max=0
    )
    [row] = json.loads(manage("reconcile-resources-cyclades", "--output-format", "json"))
    assert (row["Resource"], row["Quotaholder"], row["State"]) == ("cyclades.disk", "0", "differs")
    assert manage("reconcile-resources-cyclades", "--user", "bob@example.org") == ""
    manage("reconcile-resources-cyclades", "--fix", "--user", "alice@example.org")
    assert manage("reconcile-resources-cyclades") == ""


def test_beyond_limits_only_force_charges(server: Server, cloud: People) -> None:
    Holding.objects.filter(resource="cyclades.vm", holder=f"user:{cloud.alice.user.uuid}").update(
        folded_min=0, folded_max=0, limit=0
    )
    manage("reconcile-resources-cyclades", "--fix")
    assert usage(cloud.alice, "cyclades.vm") == 0
    manage("reconcile-resources-cyclades", "--fix", "--force")
    assert usage(cloud.alice, "cyclades.vm") == 1


def test_commissions_that_wait_for_nobody_are_settled(cloud: People) -> None:
    alice = cloud.alice
    serial = accounts().issue(
        provisions_for(alice.user.uuid, alice.caller.project, {"cyclades.vm": 1}), name="lost"
    )
    [row] = json.loads(manage("reconcile-commissions-cyclades", "--output-format", "json"))
    assert row == {"serial": str(serial), "decision": "reject"}
    manage("reconcile-commissions-cyclades", "--fix")
    assert manage("reconcile-commissions-cyclades") == ""


def test_figures_are_told_to_everybody_and_details_to_operators(server: Server, cloud: People) -> None:
    public = Client().get("/cyclades/admin/stats").json()
    assert public["servers"]["STARTED"] == {"count": 1, "cpu": 1, "ram": 256, "disk": 1}
    simple = Client().get("/cyclades/admin/stats/simple")
    assert set(simple.json()) == {"spawned_servers", "active_servers", "spawned_networks"}
    padded = Client().get("/cyclades/admin/stats?callback=show")
    assert padded["Content-Type"].startswith("text/javascript")
    assert padded.content.startswith(b"show({")
    assert Client().get("/cyclades/admin/stats?callback=alert(1)").status_code == 400
    path = "/cyclades/admin/stats/detail"
    assert Client().get(path).status_code == 401
    assert Client().get(path, headers={"X-Auth-Token": cloud.alice.token}).status_code == 403
    found = Client().get(path, headers={"X-Auth-Token": cloud.admin.token}).json()
    assert found["servers"]["started"]["count"] == 1
    assert found["clusters"]["memory"]["virtual_servers"] == 1
    assert found["ip_pools"]["active"]["count"] == 1
    assert (
        Client().get(f"{path}?backend=none", headers={"X-Auth-Token": cloud.admin.token}).status_code == 400
    )


def test_figures_are_printed_in_parts(server: Server, tmp_path: Path) -> None:
    found = json.loads(manage("stats-cyclades", "--output-format", "json", "--images", "no",
                              "--cluster-details", "no"))  # fmt: skip
    assert "images" not in found
    assert "nodes" not in found["clusters"]["memory"]
    assert "servers.started.count" in manage("stats-cyclades", "--backend", "memory")
    manage("stats-cyclades", "--json-file", str(tmp_path / "figures"))
    assert json.loads((tmp_path / "figures").read_text())["servers"]["stopped"]["count"] == 0


def test_services_are_exported(standard: None) -> None:
    exported = json.loads(manage("service-export-cyclades"))
    assert {"cyclades_compute", "cyclades_volume", "cyclades_vmapi", "cyclades_admin"} <= set(exported)
    assert IPAddress.objects.count() == 0


def test_a_server_has_the_flavor_that_its_engine_shows(server: Server, engine_room: Any, flavor: Any) -> None:
    there = engine_room.engine.instances[server.engine_name]
    there.spec = dataclasses.replace(there.spec, vcpus=2, ram_mib=512)
    [(kind, what)] = found()
    assert (kind, what.split(", ")[1]) == ("no-flavor", "and has 2 processors and 512 MiB there")
    manage("reconcile-servers", "--fix-all")
    assert [kind for kind, _ in found()] == ["no-flavor"], "nothing is invented"
    manage("flavor-create", "2", "512", str(flavor.disk))
    assert [kind for kind, _ in found()] == ["unsynced-flavors"]
    manage("reconcile-servers", "--fix-unsynced-flavors")
    server.refresh_from_db()
    assert (server.flavor.cpu, server.flavor.ram) == (2, 512)
    assert found() == []


def test_a_server_is_rescued_if_its_engine_shows_that(server: Server, engine_room: Any) -> None:
    Server.objects.update(rescue=True, rescue_ref="0" * 36)
    assert found() == [("unsynced-rescue", f"server {server.pk} is rescued here, but otherwise there")]
    manage("reconcile-servers", "--fix-unsynced-rescue")
    server.refresh_from_db()
    assert (server.rescue, server.rescue_ref) == (False, "")
    assert found() == []
