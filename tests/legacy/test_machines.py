"""Recorded machines, networks and volumes of a Cyclades 0.21 come over whole."""

from __future__ import annotations

import datetime
import io
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from synnefo.astakos.quotas import clients
from synnefo.astakos.quotas.models import Commission as Pending
from synnefo.common.caller import system_caller
from synnefo.common.faults import ServiceUnavailable
from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.models import Backend, ProjectBackend
from synnefo.cyclades.flavors.models import Flavor, FlavorAccess
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.keypairs.models import KeyPair
from synnefo.cyclades.networks import ports
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import (
    BackendNetwork,
    IPAddress,
    IPAddressHistory,
    Network,
    Pool,
    PoolUse,
    Port,
    Subnet,
)
from synnefo.cyclades.operations import follow
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import RescueImage, Server
from synnefo.cyclades.volume_types.models import VolumeType
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine import runner
from synnefo.engine.models import Commission
from synnefo.pithos.blocks import base
from tests.legacy import old
from tests.legacy.test_objects import ALICE, BOB, everything
from tests.legacy.test_recorded import THEN

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not old.recorded(), reason="by design: the recorded database is not beside this clone"
    ),
]
KEY = "legacy-encryption-key"
#: Columns of the old tables that are called or kept otherwise here.
_TYPE, _BASE = "volume_type_id", ("id", "userid", "project", "shared_to_project", "deleted")


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    return old.facts()


@pytest.fixture(autouse=True)
def kept(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.PITHOS_BACKEND_BLOCK_PATH = str(tmp_path / "new")
    base.blocks.cache_clear()
    with time_machine.travel(THEN):
        yield
    registry.forget_all()
    base.blocks.cache_clear()


@pytest.fixture
def url(old_server: old.Server) -> str:
    return old_server.recorded()


def come(url: str, *options: str, key: str = KEY) -> str:
    """Import machines; what was printed."""
    out = io.StringIO()
    call_command(
        "legacy-import",
        "--cyclades-db",
        url,
        "--secret-encryption-key",
        key,
        *options,
        stdout=out,
        stderr=out,
    )
    return out.getvalue()


@pytest.fixture
def imported(url: str) -> None:
    come(url)


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


@pytest.mark.usefixtures("imported")
def test_every_server_is_there_in_its_state(facts: dict[str, Any]) -> None:
    assert Server.objects.count() == len(facts["servers"])
    for known in facts["servers"]:
        server = Server.objects.get(pk=known["id"])
        for name in (
            *_BASE, "name", "operstate", "suspended", "helper", "rescue", "backend_id", "flavor_id",
            "image_version", "rescue_image_id",
        ):  # fmt: skip
            assert getattr(server, name) == known[name], (known["name"], name)
        assert (server.image, server.task) == (known["imageid"], known["task"] or "")
        assert server.created == moment(known["created"])
        assert server.updated == moment(known["updated"])
        assert server.key_names == (["laptop"] if known["id"] == 1 else [])
        assert (server.os, server.osfamily) == ("debian", "linux")
        assert {row.key: row.value for row in server.metadata.all()} == known["metadata"]
        tags = [[f"cyclades:{row.namespace}:{row.tag}", row.status] for row in server.tags.order_by("tag")]
        assert tags == known["tags"]
        flavor = server.flavor
        assert (flavor.cpu, flavor.ram, flavor.disk) == (known["cpu"], known["ram"], known["disk"])
        assert flavor.volume_type.disk_template == known["disk_template"]
        assert sorted(server.ports.values_list("pk", flat=True)) == [card["id"] for card in known["nics"]]
    assert Server.objects.get(name="err-1").fault == "Job failed: no nodes with enough free memory"


@pytest.mark.usefixtures("imported")
def test_every_card_is_there_with_its_addresses(facts: dict[str, Any]) -> None:
    cards = [card for server in facts["servers"] for card in server["nics"]]
    assert Port.objects.count() == len(cards)
    for known in cards:
        port = Port.objects.get(pk=known["id"])
        for name in ("name", "userid", "index", "state", "network_id"):
            assert getattr(port, name) == known[name], (known["id"], name)
        assert port.server_id == known["machine_id"]
        assert port.firewall_profile == (known["firewall_profile"] or "")
        assert (port.created, port.updated) == (moment(known["created"]), moment(known["updated"]))
        assert port.mac == known["mac"] or known["mac"] is None
        assert re.fullmatch(r"aa:00:\w\w(:\w\w){3}", port.mac)
        found = [
            {"address": ip.address, "version": ip.ip_version, "floating": ip.floating_ip}
            for ip in port.addresses.order_by("pk")
        ]
        assert found == (known["ips"] or [])


@pytest.mark.usefixtures("imported")
def test_every_network_and_subnet_is_there(facts: dict[str, Any]) -> None:
    assert Network.objects.count() == len(facts["networks"])
    for known in facts["networks"]:
        network = Network.objects.get(pk=known["id"])
        for name in (
            "id", "name", "shared_to_project", "deleted", "public", "drained", "floating_ip_pool", "state",
            "mode", "link", "mac_prefix",
        ):  # fmt: skip
            assert getattr(network, name) == known[name], (known["name"], name)
        assert network.kind == known["flavor"]
        assert (network.userid, network.project) == (known["userid"] or "", known["project"] or "")
        assert ",".join(network.tags) == (known["tags"] or "")
        assert (network.created, network.updated) == (moment(known["created"]), moment(known["updated"]))
        subnets = known["subnets"] or []
        assert sorted(network.subnets.values_list("pk", flat=True)) == [row["id"] for row in subnets]
        for row in subnets:
            subnet = Subnet.objects.get(pk=row["id"])
            for name in ("name", "cidr", "gateway", "dhcp", "deleted"):
                assert getattr(subnet, name) == row[name], (row["id"], name)
            assert subnet.ip_version == row["ipversion"]


@pytest.mark.usefixtures("imported")
def test_pools_are_ranges_and_what_was_given_out_is_in_use() -> None:
    def text(pools: list[list[int]]) -> list[list[str]]:
        return [[str(ipaddress.IPv4Address(number)) for number in pool] for pool in pools]

    pools = {subnet.pk: text(subnet.pools) for subnet in Subnet.objects.all()}
    assert pools == {
        1: [["203.0.113.2", "203.0.113.62"]],
        2: [["198.51.100.10", "198.51.100.20"], ["198.51.100.40", "198.51.100.45"]],
        3: [],
        4: [["100.64.0.2", "100.64.0.254"]],
        5: [["192.168.10.100", "192.168.10.150"]],
        6: [],
    }
    assert all(subnet.reserved == [] for subnet in Subnet.objects.all())
    found = {(pool.kind, pool.base, pool.size) for pool in Pool.objects.all()}
    assert found == {("bridge", "prv", 20), ("mac-prefix", "aa:00:0", 65536)}
    assert Pool.objects.get(kind="mac-prefix").reserved[0] == [0, 0], "public networks have the first"
    uses = PoolUse.objects.filter(pool__kind="mac-prefix").values_list("network_id", "number")
    assert dict(uses) == {5: 1, 6: 2, 7: 3}


@pytest.mark.usefixtures("imported")
def test_every_address_and_its_history_is_there(facts: dict[str, Any]) -> None:
    assert IPAddress.objects.count() == len(facts["addresses"])
    for known in facts["addresses"]:
        address = IPAddress.objects.get(pk=known["id"])
        for name in ("userid", "shared_to_project", "address", "floating_ip", "network_id", "subnet_id"):
            assert getattr(address, name) == known[name], (known["id"], name)
        assert (address.port_id, address.ip_version) == (known["nic_id"], known["ipversion"])
        assert address.project == known["project"] or known["project"] is None
        assert (address.created, address.updated) == (moment(known["created"]), moment(known["updated"]))
    for known in facts["address_history"]:
        line = IPAddressHistory.objects.get(pk=known["id"])
        for name in ("address", "server_id", "network_id", "user_id", "action", "action_reason"):
            assert getattr(line, name) == known[name]
        assert line.action_date == moment(known["action_date"])
    assert IPAddressHistory.objects.count() == len(facts["address_history"])


@pytest.mark.usefixtures("imported")
def test_every_volume_is_there(facts: dict[str, Any]) -> None:
    assert Volume.objects.count() == len(facts["volumes"])
    for known in facts["volumes"]:
        volume = Volume.objects.get(pk=known["id"])
        for name in (*_BASE, "status", _TYPE, "delete_on_termination"):
            assert getattr(volume, name) == known[name], (known["id"], name)
        assert (volume.name, volume.description) == (known["name"] or "", known["description"] or "")
        assert (volume.size_gib, volume.server_id) == (known["size"], known["machine_id"])
        assert volume.index == known["index"] or known["machine_id"] is None
        said = known["source"] and f"{volume.source}:{volume.source_uuid}"
        assert said == known["source"]
        assert volume.source_version == (known["source_version"] or 0)
        assert volume.snapshots_made == known["snapshot_counter"]
        assert (volume.created, volume.updated) == (moment(known["created"]), moment(known["updated"]))
    data = {volume.pk: volume.materialised for volume in Volume.objects.filter(deleted=False)}
    assert {pk for pk, made in data.items() if not made} == {7, 8, 14}


@pytest.mark.usefixtures("imported")
def test_flavors_types_keys_and_rescue_images_are_there(facts: dict[str, Any]) -> None:
    for known in facts["flavors"]:
        row = Flavor.objects.filter(pk=known["id"]).values(*known).get()
        assert row == known
    for known in facts["volume_types"]:
        assert VolumeType.objects.filter(pk=known["id"]).values(*known).get() == known
    for known in facts["flavor_access"]:
        assert FlavorAccess.objects.filter(pk=known["id"]).values(*known).get() == known
    for known in facts["keypairs"]:
        row = KeyPair.objects.get(pk=known["id"])
        assert (row.userid, row.name, row.content) == (known["user"], known["name"], known["content"])
        assert (row.fingerprint, row.kind) == (known["fingerprint"], "ssh-rsa")
        assert (row.created, row.updated) == (moment(known["created_at"]), moment(known["updated_at"]))
    for known in facts["rescue_images"]:
        image = RescueImage.objects.get(pk=known["id"])
        for name in ("name", "location", "location_type", "deleted", "is_default", "os"):
            assert getattr(image, name) == known[name]
        assert image.osfamily == known["os_family"]


@pytest.mark.usefixtures("imported")
def test_clusters_come_offline_with_their_passwords(facts: dict[str, Any]) -> None:
    for known in facts["backends"]:
        row = Backend.objects.get(pk=known["id"])
        assert (row.kind, row.public, row.drained, row.offline) == ("ganeti", True, False, True)
        assert row.options["url"].endswith(f":{known['port']}")
        assert row.options["username"] == known["username"]
        assert row.options["hypervisor"] == known["hypervisor"]
        assert ",".join(row.options["volume_types"]) == known["disk_templates"]
        assert registry.build(row)
    assert Backend.objects.get(pk=1).options["password"] == "rapi-secret-A"
    assert ProjectBackend.objects.get().backend_id == 2
    assert BackendNetwork.objects.count() == 12


def test_nothing_is_asked_of_clusters_and_servers_stay_as_they_are(url: str, monkeypatch: Any) -> None:
    def asked(row: Backend) -> None:
        raise AssertionError(f"the import asks {row}")

    monkeypatch.setattr(registry, "engine", asked)
    come(url)
    before = list(Server.objects.order_by("pk").values_list())
    follow.reconcile()
    assert list(Server.objects.order_by("pk").values_list()) == before


def test_what_is_asked_for_meanwhile_is_refused_and_no_cluster_hears_of_it(
    url: str, monkeypatch: Any
) -> None:
    asked: list[Backend] = []
    come(url, "--astakos-db", url)
    monkeypatch.setattr(registry, "engine", asked.append)
    caller = system_caller("tests")
    for server, act in ((1, servers.stop), (3, servers.start), (10, servers.delete)):
        with pytest.raises(ServiceUnavailable):
            act(caller, Server.objects.get(pk=server).uuid)
    networks.rename(caller, Network.objects.get(pk=5).uuid, name="renamed")
    ports.create(caller, Network.objects.get(pk=5).uuid)
    for row in runner.claim("tests", 10):
        runner.work(row)
    assert asked == []


def test_a_wrong_key_is_told_before_anything_is_written(url: str) -> None:
    with pytest.raises(CommandError, match="nothing was changed"):
        come(url, key="another")
    assert not Server.objects.exists()
    assert not Backend.objects.exists()


def test_a_second_run_changes_nothing(url: str) -> None:
    come(url)
    before = everything()
    assert "nothing was changed" in come(url)
    assert everything() == before


def test_a_dry_run_counts_and_changes_nothing(url: str) -> None:
    before = everything()
    told = come(url, "--dry-run")
    assert re.search(r"servers\W+10\b", told)
    assert "8 BUILD" in told
    assert everything() == before


def test_new_rows_are_numbered_on(url: str) -> None:
    come(url)
    port = Port.objects.create(userid=ALICE, project=ALICE, network_id=5, mac="aa:00:1f:00:00:01")
    assert port.pk == 9, "two ports were there and are gone"
    assert VolumeType.objects.create(name="new", disk_template="local").pk == 5


def test_this_machine_keeps_its_engine_under_another_number(url: str) -> None:
    Backend.objects.create(name="local", kind="local")
    come(url)
    assert Backend.objects.get(name="local").pk > 1000
    assert set(Backend.objects.filter(kind="ganeti").values_list("pk", flat=True)) == {1, 2}


def test_what_is_in_the_way_is_named(url: str) -> None:
    Network.objects.create(userid=BOB, project=BOB, name="mine")
    with pytest.raises(CommandError, match="cannot be done"):
        come(url)
    assert Network.objects.count() == 1


def test_commissions_that_waited_are_settled_as_they_were_decided(url: str) -> None:
    old.change(
        url,
        "INSERT INTO db_quotaholderserial VALUES (1001, false, true, false), (1002, true, false, false);"
        "INSERT INTO quotaholder_app_commission (serial, name, clientkey, issue_datetime)"
        " SELECT n, 'client: api', 'cyclades', now() FROM generate_series(1001, 1002) AS n",
    )
    come(url, "--astakos-db", url)
    waiting = Pending.objects.filter(serial__in=(1001, 1002)).values_list("client", flat=True)
    assert list(waiting) == [clients.IN_PROCESS] * 2
    decided = dict(Commission.objects.filter(delivered=False).values_list("serial", "accept"))
    assert decided == {1001: True, 1002: False}


def test_images_and_snapshots_come_with_objects(
    url: str, old_server: old.Server, tmp_path: Path, facts: dict[str, Any]
) -> None:
    store = old.unpack_store(tmp_path / "store")
    come(url, "--pithos-db", old_server.recorded_objects(), "--pithos-blocks", str(store))
    found = {image.name: image for image in Image.objects.all()}
    assert set(found) == {"Debian Base", "Private image", "snap-1", "snap-2"}
    public, private, snapshot = found["Debian Base"], found["Private image"], found["snap-1"]
    assert public.is_public
    assert not private.is_public
    assert public.properties == {
        "os": "debian", "osfamily": "linux", "root_partition": "1", "users": "root",
        "description": "Debian 7 Wheezy",
    }  # fmt: skip
    assert (public.userid, public.size_bytes, public.disk_format) == (ALICE, 20971520, "raw")
    assert public.created.timestamp() == pytest.approx(1795214803.17)
    assert public.hold
    assert {row.member for row in private.members.all()} == {ALICE, BOB}
    assert (snapshot.is_snapshot, snapshot.volume_id, snapshot.hold) == (True, 12, "")
    assert snapshot.status == Image.Status.AVAILABLE
    assert Volume.objects.get(pk=1).image_properties == public.properties


def test_no_table_of_old_cyclades_is_forgotten(url: str) -> None:
    """Every one is read by a step, or left behind for a reason."""
    from synnefo.common.legacy.source import opened
    from synnefo.cyclades.legacy import rules
    from synnefo.cyclades.legacy.source import MachinesSource

    with opened(url, MachinesSource) as source:
        read = " ".join(step.sql(source) for step in rules.STEPS)
    tables = {row[0] for row in old.rows(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    of_cyclades = {name for name in tables if name.startswith(("db_", "userdata_"))}
    forgotten = {name for name in of_cyclades if not re.search(rf"\b{name}\b", read)}
    assert forgotten == set(rules.LEFT_BEHIND)
