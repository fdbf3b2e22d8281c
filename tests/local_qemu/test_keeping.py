"""What is kept of instances and swept behind them: measurements, orphans, limits, configuration drives."""

from __future__ import annotations

import datetime
import io
import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pycdlib
import pytest

from synnefo.cyclades.backends.base import (
    BackendUnavailable,
    Fence,
    GuestFile,
    GuestSetup,
    InstanceSpec,
    Lease,
    NetworkSpec,
    Nic,
    RouterSpec,
    Sample,
    VolumeSpec,
)
from synnefo.cyclades.backends.local import LocalBackend, disks, history, seed
from synnefo.cyclades.backends.local.cgroups import Limits
from synnefo.cyclades.backends.local.fabric_user import UserFabric
from synnefo.cyclades.backends.local.layout import Home
from synnefo.cyclades.backends.local.metadata_source import MetadataSource
from synnefo.cyclades.backends.local.process import pid_of
from synnefo.cyclades.backends.local.records import Records
from tests.contract.kit import wait_until

from . import guests
from .conftest import PATIENCE_S, Machines, finish, is_on, make_spec, open_backend

pytestmark = pytest.mark.host

EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def sample(at: datetime.datetime, cpu_s: float = 1.5) -> Sample:
    return Sample(at, cpu_s, 64, 1, 2, 3, 2**40)


# -- measurements ---------------------------------------------------------------------------------
def test_what_was_measured_comes_back_in_order(tmp_path: Path) -> None:
    file = tmp_path / "history"
    kept = [sample(EPOCH + datetime.timedelta(seconds=30 * step), cpu_s=step) for step in range(10)]
    for one in reversed(kept):
        assert history.is_due(file, one.at)
        history.put(file, one)
        assert not history.is_due(file, one.at + datetime.timedelta(seconds=29))
    now = kept[-1].at
    assert history.since(file, EPOCH, now) == kept
    assert history.since(file, kept[4].at, now) == kept[4:]
    assert history.since(tmp_path / "none", EPOCH, now) == []


def test_the_file_never_grows_and_the_past_grows_coarse(tmp_path: Path) -> None:
    file = tmp_path / "history"
    minutes = 3 * 1440
    for minute in range(minutes):
        history.put(file, sample(EPOCH + datetime.timedelta(minutes=minute), cpu_s=minute))
    size = file.stat().st_size
    now = EPOCH + datetime.timedelta(minutes=minutes)
    found = history.since(file, EPOCH, now)
    assert size <= 500_000
    assert [one.at for one in found] == sorted(one.at for one in found)
    first_day = [one for one in found if one.at < EPOCH + datetime.timedelta(days=1)]
    last_day = [one for one in found if one.at >= now - datetime.timedelta(hours=23)]
    assert (len(first_day), len(last_day)) == (48, 23 * 60)
    later = now + datetime.timedelta(days=200)
    history.put(file, sample(later))
    assert file.stat().st_size <= 500_000
    assert history.since(file, later - datetime.timedelta(days=60), later) == [sample(later)]


def test_a_running_guest_is_measured_while_somebody_follows(
    backend: LocalBackend, machines: Machines, data: Path
) -> None:
    name = machines.boot(guests.DEAF, until="READY")
    began = datetime.datetime.now(datetime.UTC)
    ending = threading.Event()
    thread = threading.Thread(target=backend.follow, args=(lambda event: None, ending.is_set))
    thread.start()
    try:
        (one, *_) = wait_until(lambda: backend.samples(name, began), PATIENCE_S, "a sample")
    finally:
        ending.set()
        thread.join(PATIENCE_S)
    assert one.cpu_s > 0
    assert one.ram_mib > 16
    assert one.read_bytes >= 512, "it read its boot sector"
    assert open_backend(data).samples(name, began)[0] == one, "known to others, too"


# -- orphans --------------------------------------------------------------------------------------
def test_what_belongs_to_instances_is_no_orphan(backend: LocalBackend, machines: Machines) -> None:
    machines.boot(guests.DEAF)
    finish(backend, backend.create_volume(VolumeSpec("vol-1", 1), Fence(1, 1)))
    assert backend.orphans() == []


def test_orphans_are_found_and_removed(backend: LocalBackend, machines: Machines, data: Path) -> None:
    name = machines.boot(guests.DEAF)
    pid = pid_of(Home(data / "instances" / name).pidfile)
    (data / "instances" / name).rename(data / "instances" / "vm-hidden")
    (data / "instances" / "vm-hidden" / "spec.json").unlink()
    for leftover in (data / "volumes" / "vol-half", data / "snapshots" / "snap-half"):
        leftover.mkdir(parents=True)
    (data / "volumes" / "vol-half" / ".disk.qcow2.new").write_bytes(b"half")
    long_ago = time.time() - 7200
    for path in (
        *data.glob("*/*half*/.disk.qcow2.new"),
        *data.glob("*/*half*"),
        data / "instances" / "vm-hidden",
    ):
        os.utime(path, (long_ago, long_ago))
    found = {(one.kind, one.name) for one in backend.orphans()}
    assert found == {
        ("process", "vm-hidden"),
        ("directory", "vm-hidden"),
        ("volume", "vol-half"),
        ("draft", ".disk.qcow2.new"),
        ("snapshot", "snap-half"),
    }
    assert len(backend.remove_orphans()) == len(found)
    assert backend.orphans() == []
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), PATIENCE_S, "the end of the process")


def test_what_somebody_works_on_stays(backend: LocalBackend, data: Path) -> None:
    half = data / "volumes" / "vol-half"
    half.mkdir()
    assert backend.orphans() == [], "it is young"
    os.utime(half, (0, 0))
    assert [one.kind for one in backend.orphans()] == ["volume"]
    finish(backend, backend.create_volume(VolumeSpec("vol-half", 1), Fence(1, 1)))
    assert backend.remove_orphans() == []
    assert backend.volumes() == ["vol-half"]


# -- volumes --------------------------------------------------------------------------------------
def test_an_image_stays_as_long_as_a_volume_stands_on_it(
    backend: LocalBackend, data: Path, tmp_path: Path
) -> None:
    image = guests.image(tmp_path, guests.DEAF)
    finish(backend, backend.create_volume(VolumeSpec("vol-1", 2, image), Fence(1, 1)))
    finish(backend, backend.snapshot_volume("vol-1", "snap-1", Fence(2, 1)))
    file = data / "snapshots" / "snap-1" / "disk.qcow2"
    assert disks.backing_file(file) == image.path
    assert file.stat().st_blocks * 512 < 2**20, "it costs what differs"
    pieces = list(backend.read_snapshot("snap-1"))
    assert b"".join(pieces[:1]).startswith(guests.DEAF)
    assert sum(map(len, pieces)) == 2 * 2**30
    assert max(map(len, pieces)) <= 4 * 2**20
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".read")] == []


def test_a_volume_grows_under_a_running_guest(backend: LocalBackend, data: Path, tmp_path: Path) -> None:
    spec = make_spec("vm-1", guests.image(tmp_path, guests.DEAF))
    finish(backend, backend.create(spec, Fence(1, 1)))
    for _ in range(2):
        finish(backend, backend.extend_volume("vm-1-root", 3, Fence(2, 1)))
        assert disks.size_bytes(data / "volumes" / "vm-1-root" / "disk.qcow2") == 3 * 2**30
    finish(backend, backend.stop("vm-1", Fence(3, 1), timeout_s=0))
    finish(backend, backend.extend_volume("vm-1-root", 4, Fence(4, 1)))
    finish(backend, backend.extend_volume("vm-1-root", 2, Fence(5, 1)))
    assert disks.size_bytes(data / "volumes" / "vm-1-root" / "disk.qcow2") == 4 * 2**30
    finish(backend, backend.start("vm-1", Fence(6, 1)))
    assert is_on(backend, "vm-1")


def test_nothing_starts_with_a_disk_that_is_being_copied(
    backend: LocalBackend, data: Path, tmp_path: Path
) -> None:
    finish(backend, backend.create(make_spec("vm-1", guests.image(tmp_path, guests.DEAF)), Fence(1, 1)))
    finish(backend, backend.stop("vm-1", Fence(2, 1), timeout_s=0))
    other = open_backend(data)
    with (
        backend._having("vm-1-root", Fence(3, 1)),  # as a copy of the volume does
        pytest.raises(BackendUnavailable),
    ):
        other.start("vm-1", Fence(4, 1))


# -- limits ---------------------------------------------------------------------------------------
def test_limits_are_written_as_each_version_wants_them(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for tree in (one / "cpu", one / "memory"):
        tree.mkdir(parents=True)
        (tree / "cgroup.procs").write_text("")
    two.mkdir()
    (two / "cgroup.controllers").write_text("cpu memory pids")
    Limits("cloud", "tag", root=one).put("vm-1", 4711, 2, 1024)
    Limits("cloud", "tag", root=two).put("vm-1", 4711, 2, 1024)
    group = one / "cpu" / "cloud" / "synnefo-tag" / "vm-1"
    assert (group / "cpu.cfs_quota_us").read_text() == "200000"
    limit = (one / "memory" / "cloud" / "synnefo-tag" / "vm-1" / "memory.limit_in_bytes").read_text()
    assert int(limit) == (1024 + 512) * 2**20
    group = two / "cloud" / "synnefo-tag" / "vm-1"
    assert (group / "cpu.max").read_text() == "200000 100000"
    assert (group / "memory.max").read_text() == limit
    assert (group / "cgroup.procs").read_text() == "4711"
    for above in (two, two / "cloud", group.parent):
        assert (above / "cgroup.subtree_control").read_text() == "+cpu +memory"


def test_without_a_group_there_are_no_limits_and_that_is_said(tmp_path: Path) -> None:
    limits = Limits("", "tag", root=tmp_path)
    assert limits.describe().startswith("none")
    limits.put("vm-1", 4711, 1, 64)
    assert list(tmp_path.iterdir()) == []


def test_the_kernel_keeps_a_guest_to_its_processors(tmp_path: Path) -> None:
    group = f"synnefo-test-{os.getpid()}"
    where = Path("/sys/fs/cgroup/cpu", group)
    if not Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").parent.joinpath("cgroup.procs").exists():
        pytest.skip("this host has no cgroups of version 1")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "cpu").symlink_to("/sys/fs/cgroup/cpu")
    sleeper = subprocess.Popen(["sleep", "60"])
    limits = Limits(group, "tag", root=tree)
    try:
        limits.put("vm-1", sleeper.pid, 2, 64)
        assert str(sleeper.pid) in (where / "synnefo-tag" / "vm-1" / "cgroup.procs").read_text().split()
        assert (where / "synnefo-tag" / "vm-1" / "cpu.cfs_quota_us").read_text().strip() == "200000"
        assert "cpu" in limits.describe()
    finally:
        sleeper.kill()
        sleeper.wait()
        limits.remove("vm-1")
        (where / "synnefo-tag").rmdir()
        where.rmdir()


# -- what the guest is told -----------------------------------------------------------------------
def read_disc(file: Path, label: str, *names: str) -> list[bytes]:
    disc = pycdlib.PyCdlib()
    disc.open(str(file))
    assert disc.pvd.volume_identifier.rstrip() == label.encode()
    found = []
    for name in names:
        content = io.BytesIO()
        disc.get_file_from_iso_fp(content, rr_path=f"/{name}")
        found.append(content.getvalue())
    disc.close()
    return found


SETUP = GuestSetup(
    hostname="web",
    instance_id="i-7",
    ssh_keys=["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"],
    user_data=b"#cloud-config\n",
    files=[GuestFile("/etc/motd", b"\xffhello", mode=0o644), GuestFile("/root/x", b"", owner="www-data")],
    admin_password="pw",
)


def test_a_configuration_drive_says_what_the_metadata_service_says(tmp_path: Path) -> None:
    spec = InstanceSpec("vm-1", 1, 64, [], SETUP, config_drive=True)
    seed.write_config_drive(tmp_path / "config.iso", spec)
    told, user_data, network, content = read_disc(
        tmp_path / "config.iso",
        "config-2",
        "openstack/latest/meta_data.json",
        "openstack/latest/user_data",
        "openstack/latest/network_data.json",
        "openstack/content/0000",
    )
    meta = json.loads(told)
    assert (meta["uuid"], list(meta["public_keys"].values())) == ("i-7", list(SETUP.ssh_keys))
    assert meta["files"][0] == {"path": "/etc/motd", "content_path": "/content/0000"}
    assert (user_data, content) == (b"#cloud-config\n", b"\xffhello")
    assert json.loads(network)["links"] == []


def test_files_are_told_by_the_seed(tmp_path: Path) -> None:
    seed.write(tmp_path / "seed.iso", InstanceSpec("vm-1", 1, 64, [], SETUP))
    (vendor,) = read_disc(tmp_path / "seed.iso", "cidata", "vendor-data")
    first, second = json.loads(vendor.partition(b"\n")[2])["write_files"]
    assert first == {
        "path": "/etc/motd",
        "encoding": "b64",
        "content": "/2hlbGxv",
        "owner": "root:root",
        "permissions": "0644",
    }
    assert second["owner"] == "www-data:root"


def test_a_guest_is_told_the_address_under_which_the_world_knows_it(tmp_path: Path) -> None:
    networks, routers = Records(tmp_path / "networks", NetworkSpec), Records(tmp_path / "routers", RouterSpec)
    networks.adopt(NetworkSpec("own", 1, "10.0.0.0/24", "10.0.0.1", floating={"198.18.0.9": "10.0.0.5"}))
    networks.adopt(NetworkSpec("far", 1, "10.1.0.0/24", "10.1.0.1", routed=True))
    networks.adopt(NetworkSpec("open", 1, "198.18.0.0/24", "198.18.0.1", public=True))
    routers.adopt(
        RouterSpec("r", 1, [("far", "10.1.0.1/24")], "198.18.0.3", floating={"198.18.0.8": "10.1.0.5"})
    )
    cards = {"own": "10.0.0.5", "far": "10.1.0.5", "open": "198.18.0.7"}
    nics = [Nic(f"nic-{name}", name, "aa:00:00:00:00:01", address) for name, address in cards.items()]
    spec = InstanceSpec("vm-1", 1, 64, nics, SETUP)
    with MetadataSource(UserFabric("ltst", tmp_path), lambda: [spec], tmp_path) as source:
        told = [source._guest(name, address) for name, address in cards.items()]
        assert source._guest("own", "10.0.0.6") is None
    assert [guest and guest.public_ipv4 for guest in told] == ["198.18.0.9", "198.18.0.8", "198.18.0.7"]


def test_whose_an_address_is_the_network_knows_first(tmp_path: Path) -> None:
    networks = Records(tmp_path / "networks", NetworkSpec)
    nics = [Nic(f"nic-{number}", "own", f"aa:00:00:00:00:0{number}", f"10.0.0.{number}") for number in (1, 2)]
    specs = [
        InstanceSpec(
            f"vm-{number}", 1, 64, [nic], GuestSetup(hostname=f"h{number}", instance_id=f"i-{number}")
        )
        for number, nic in enumerate(nics, start=1)
    ]
    networks.adopt(NetworkSpec("own", 1, "10.0.0.0/24", leases=[Lease(nics[1].mac, "10.0.0.1", "h2")]))
    with MetadataSource(UserFabric("ltst", tmp_path), lambda: specs, tmp_path) as source:
        found = [source._guest("own", f"10.0.0.{number}") for number in (1, 2, 3)]
    assert [guest and guest.instance_id for guest in found] == ["i-2", "i-2", None]
