"""``enforce-resources-cyclades`` takes away what is beyond a limit, the least first, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError

from synnefo.astakos.quotas.models import Holding
from synnefo.common.units import GIB
from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import ServerRequest
from synnefo.cyclades.volumes import rules as volumes
from synnefo.cyclades.volumes.models import Volume
from tests.conftest import People, work_off
from tests.manage import manage


@pytest.fixture
def three(cloud: People, image: Any, flavor: Any) -> list[Server]:
    """Servers of alice's: running, stopped, running."""
    for name in ("first", "second", "third"):
        request = ServerRequest(name=name, image=image.uuid, flavor=flavor.uuid, nics=[])
        servers.create(cloud.alice.caller, request)
    work_off()
    servers.stop(cloud.alice.caller, Server.objects.get(name="second").uuid)
    work_off()
    return list(Server.objects.order_by("pk"))


def limit(resource: str, most: int, *, pool: bool = False) -> None:
    kind = "project:" if pool else "user:"
    Holding.objects.filter(resource=resource, holder__startswith=kind, folded_max__gt=0).update(limit=most)


def planned(*arguments: str) -> list[tuple[str, str, str]]:
    told = manage("enforce-resources-cyclades", *arguments, "--output-format", "json")
    return [(row["action"], row["type"], row["name"]) for row in json.loads(told or "[]")]


def test_nothing_is_beyond_its_limit(three: list[Server]) -> None:
    assert planned("--resources", "cyclades.vm,cyclades.disk") == []


def test_resources_must_be_named_and_known(db: None) -> None:
    for wrong in ((), ("--resources", "pithos.diskspace"), ("--soft-resources", "cyclades.disk")):
        with pytest.raises(CommandError):
            manage("enforce-resources-cyclades", *wrong)
    assert "cyclades.vm" in manage("enforce-resources-cyclades", "--list-resources")


def test_stopped_servers_go_before_running_ones_and_young_before_old(three: list[Server]) -> None:
    limit("cyclades.vm", 1)
    assert planned("--resources", "cyclades.vm") == [
        ("delete", "server", "second"), ("delete", "server", "third")]  # fmt: skip
    assert Server.objects.filter(deleted=False).count() == 3, "without --fix nothing is done"
    manage("enforce-resources-cyclades", "--resources", "cyclades.vm", "--fix", "--force")
    work_off()
    assert [row.name for row in Server.objects.filter(deleted=False)] == ["first"]
    assert planned("--resources", "cyclades.vm") == []


def test_processors_are_freed_by_stopping(three: list[Server]) -> None:
    limit("cyclades.cpu", 1)
    assert planned("--resources", "cyclades.cpu") == [("stop", "server", "third")]
    manage("enforce-resources-cyclades", "--resources", "cyclades.cpu", "--fix")
    work_off()
    assert Server.objects.get(name="third").operstate == Server.Oper.STOPPED


def test_soft_means_stopping_only(three: list[Server]) -> None:
    limit("cyclades.vm", 0)
    found = planned("--soft-resources", "cyclades.vm")
    assert [verb for verb, _, _ in found] == ["stop", "stop"]


def test_a_server_that_goes_anyway_is_not_stopped_first(three: list[Server]) -> None:
    limit("cyclades.vm", 2)
    limit("cyclades.cpu", 1)
    found = planned("--resources", "cyclades.vm,cyclades.cpu")
    assert ("delete", "server", "second") in found
    assert len({name for _, _, name in found}) == len(found)


def test_free_disks_go_first_and_first_disks_only_if_that_is_allowed(
    three: list[Server], cloud: People
) -> None:
    from synnefo.cyclades.volume_types.models import VolumeType

    kind = VolumeType.objects.get(disk_template="local")
    volumes.create(cloud.alice.caller, volumes.VolumeRequest(size_gib=2, name="free", volume_type=kind))
    work_off()
    limit("cyclades.disk", 3 * GIB)
    assert planned("--resources", "cyclades.disk") == [("delete", "volume", "free")]
    limit("cyclades.disk", 2 * GIB)
    assert planned("--resources", "cyclades.disk") == [("delete", "volume", "free")]
    found = planned("--resources", "cyclades.disk", "--remove-system-volumes")
    assert found == [("delete", "server", "third"), ("delete", "volume", "free")]
    manage("enforce-resources-cyclades", "--resources", "cyclades.disk", "--fix", "--force",
           "--max-operations", "2", "--remove-system-volumes")  # fmt: skip
    work_off()
    assert not Volume.objects.filter(name="free", deleted=False).exists()
    assert Server.objects.get(name="third").deleted


def test_free_addresses_go_first(cloud: People, public_network: Any) -> None:
    for _ in range(2):
        floating.create(cloud.alice.caller, public_network.uuid)
    limit("cyclades.floating_ip", 1)
    manage("enforce-resources-cyclades", "--resources", "cyclades.floating_ip", "--fix", "--force")
    assert IPAddress.objects.filter(floating_ip=True).count() == 1


def test_pools_of_projects_are_looked_at_unless_users_are_named(three: list[Server], cloud: People) -> None:
    limit("cyclades.vm", 2, pool=True)
    assert len(planned("--resources", "cyclades.vm")) == 1
    assert planned("--resources", "cyclades.vm", "--users", "alice@example.org") == []
    limit("cyclades.vm", 2)
    assert len(planned("--resources", "cyclades.vm", "--users", "alice@example.org")) == 1
    assert planned("--resources", "cyclades.vm", "--exclude-users", "alice@example.org",
                   "--exclude-projects", cloud.alice.caller.project) == []  # fmt: skip
