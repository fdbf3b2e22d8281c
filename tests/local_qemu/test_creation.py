"""What an instance is made of: its disk, its seed, its accelerator; and what is refused."""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pycdlib
import pytest

from synnefo.cyclades.backends.base import (
    BackendError,
    BackendUnavailable,
    DiskImage,
    Fence,
    Fenced,
    GuestSetup,
    InstanceSpec,
    Nic,
    Power,
)
from synnefo.cyclades.backends.local import LocalBackend, accel, seed, tools
from synnefo.cyclades.backends.local.fencing import Fences, Slots
from synnefo.cyclades.backends.local.layout import Home

from .conftest import finish, is_on, make_spec

pytestmark = pytest.mark.host

SpecOf = Callable[..., InstanceSpec]


def disk_info(file: Path) -> dict[str, object]:
    shown = subprocess.run(["qemu-img", "info", "-U", "--output=json", file], capture_output=True, check=True)
    info: dict[str, object] = json.loads(shown.stdout)
    return info


def root_of(data: Path, name: str = "vm-1") -> Path:
    return data / "volumes" / f"{name}-root" / "disk.qcow2"


def origin_of(spec: InstanceSpec) -> Path:
    origin = spec.volumes[0].origin
    assert origin is not None
    assert origin.path is not None
    return origin.path


# -- the disk -------------------------------------------------------------------------------------
def test_the_disk_grows_out_of_the_image_and_leaves_it_alone(
    backend: LocalBackend, data: Path, spec_of: SpecOf
) -> None:
    spec = spec_of("vm-1", disk_gib=3)
    image = origin_of(spec)
    before = image.read_bytes()
    backend.create(spec, Fence(1, 1))
    info = disk_info(root_of(data))
    assert (info["virtual-size"], info["full-backing-filename"]) == (3 * 2**30, str(image))
    assert image.read_bytes() == before


def test_without_an_image_the_disk_is_blank(backend: LocalBackend, data: Path) -> None:
    backend.create(make_spec("vm-1", None), Fence(1, 1))
    assert is_on(backend, "vm-1")
    assert "backing-filename" not in disk_info(root_of(data))


def test_an_image_larger_than_the_disk_is_refused(backend: LocalBackend, tmp_path: Path) -> None:
    large = tmp_path / "large.img"
    with large.open("wb") as stream:
        stream.truncate(3 * 2**30)
    with pytest.raises(BackendError, match="disk of 3 GiB, not 1"):
        backend.create(make_spec("vm-1", DiskImage(large, "raw", "")), Fence(1, 1))


def test_an_image_that_refers_to_a_file_of_the_host_is_refused(backend: LocalBackend, tmp_path: Path) -> None:
    child = tmp_path / "child.qcow2"
    argv = [
        "qemu-img",
        "create",
        "-q",
        "-u",
        "-f",
        "qcow2",
        "-b",
        "/etc/hostname",
        "-F",
        "raw",
        str(child),
        "1G",
    ]
    subprocess.run(argv, check=True)
    with pytest.raises(BackendError, match="refers to another file"):
        backend.create(make_spec("vm-1", DiskImage(child, "qcow2", "")), Fence(1, 1))


def test_an_absent_image_is_refused(backend: LocalBackend, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="is not there"):
        backend.create(make_spec("vm-1", DiskImage(tmp_path / "none.img", "raw", "")), Fence(1, 1))
    assert backend.instance("vm-1").power is Power.OFF
    backend.delete("vm-1", Fence(2, 1))
    assert backend.instances() == []


def test_what_qemu_refuses_is_said_in_its_words(backend: LocalBackend, spec_of: SpecOf) -> None:
    with pytest.raises(BackendError, match="CPUs"):
        backend.create(spec_of("vm-1", vcpus=100000), Fence(1, 1))
    assert backend.instance("vm-1").power is Power.OFF


def test_a_creation_that_was_cut_off_is_finished_by_the_next(
    backend: LocalBackend, data: Path, spec_of: SpecOf
) -> None:
    spec = spec_of("vm-1")
    Home(data / "instances" / "vm-1").write_spec(spec)
    assert backend.instance("vm-1").power is Power.OFF
    finish(backend, backend.create(spec, Fence(1, 2)))
    assert is_on(backend, "vm-1")


def test_an_instance_whose_record_is_damaged_can_be_deleted(
    backend: LocalBackend, data: Path, spec_of: SpecOf
) -> None:
    backend.create(spec_of("vm-1"), Fence(1, 1))
    (data / "instances" / "vm-1" / "spec.json").write_text("{")
    finish(backend, backend.delete("vm-1", Fence(2, 1)))
    assert backend.instances() == []


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 64, "a b"])
def test_a_name_that_is_no_directory_is_refused(backend: LocalBackend, name: str) -> None:
    with pytest.raises(BackendError, match="is not a name"):
        backend.create(make_spec(name, None), Fence(1, 1))


# -- the seed -------------------------------------------------------------------------------------
def read_seed(file: Path) -> dict[str, bytes]:
    disc = pycdlib.PyCdlib()
    disc.open(str(file))
    assert disc.pvd.volume_identifier.rstrip() == b"cidata"
    found = {}
    for name in ("meta-data", "user-data", "vendor-data", "network-config"):
        content = io.BytesIO()
        disc.get_file_from_iso_fp(content, joliet_path=f"/{name}")
        found[name] = content.getvalue()
    disc.close()
    return found


def test_the_seed_tells_the_guest_who_it_is(tmp_path: Path) -> None:
    setup = GuestSetup(
        hostname="web",
        instance_id="i-7",
        ssh_keys=["ssh-ed25519 AAAA me"],
        user_data=b"#!/bin/sh\necho '\xff'\n",
        admin_password='s3"cret: {',
    )
    nics = [Nic("nic-1", "net", "aa:00:00:00:00:01", "10.0.0.5"), Nic("nic-2", "net", "aa:00:00:00:00:02")]
    seed.write(tmp_path / "seed.iso", InstanceSpec("vm-1", 1, 64, nics, setup))
    told = read_seed(tmp_path / "seed.iso")
    meta = json.loads(told["meta-data"])
    assert (meta["local-hostname"], meta["instance-id"]) == ("web", "i-7")
    assert meta["public-keys"] == ["ssh-ed25519 AAAA me"]
    assert told["user-data"] == setup.user_data
    head, settings = told["vendor-data"].split(b"\n", 1)
    assert (head, json.loads(settings)["password"]) == (b"#cloud-config", 's3"cret: {')
    cards = json.loads(told["network-config"])["ethernets"]
    assert [card["match"]["macaddress"] for card in cards.values()] == [nic.mac for nic in nics]


def test_without_user_data_the_password_is_told_as_user_data(tmp_path: Path) -> None:
    setup = GuestSetup(hostname="web", instance_id="i-7", admin_password="pw")
    seed.write(tmp_path / "seed.iso", InstanceSpec("vm-1", 1, 64, [], setup))
    told = read_seed(tmp_path / "seed.iso")
    assert told["user-data"] == told["vendor-data"]


# -- the accelerator ------------------------------------------------------------------------------
def test_the_counting_guest_counts(tmp_path: Path) -> None:
    assert accel.count_s("tcg", accel.tcg("").cpu) is not None


def test_kvm_is_used_only_where_a_guest_really_runs_on_it(tmp_path: Path) -> None:
    works = accel.count_s("kvm", "host") is not None
    chosen = accel.choose(tmp_path / "verdict.json")
    assert chosen.name == ("kvm" if works else "tcg")
    assert chosen.reason
    began = time.monotonic()
    assert accel.choose(tmp_path / "verdict.json") == chosen
    assert time.monotonic() - began < accel.PROBE_S


def test_the_operator_is_told_what_runs_here(backend: LocalBackend) -> None:
    told = backend.describe()
    assert (told["accelerator"], told["network"]) == ("tcg", "user")
    assert told["accelerator_reason"]
    assert told["network_reason"]


def test_missing_programs_are_named_with_the_command(
    backend: LocalBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert backend.prerequisites() == tools.missing_packages()
    with pytest.raises(BackendError, match=r"apt-get install .*qemu-system-x86 qemu-utils"):
        backend.create(make_spec("vm-1", None), Fence(1, 1))


# -- fences ---------------------------------------------------------------------------------------
def test_a_busy_name_is_waited_for_but_not_forever(tmp_path: Path) -> None:
    fences = Fences(tmp_path)
    with (
        fences.holding("vm-1"),
        pytest.raises(BackendUnavailable),
        Fences(tmp_path).holding("vm-1", wait_s=0.1),
    ):
        pytest.fail("two hold one name")


def test_a_fence_outlives_everything_but_a_week_of_silence(tmp_path: Path) -> None:
    fences = Fences(tmp_path)
    for name in ("new", "old", "living"):
        with fences.passing(name, Fence(7, 1)):
            pass
    for name in ("old", "living"):
        os.utime(tmp_path / name, (0, 0))
    fences.prune({"living"})
    for name in ("new", "living"):
        with pytest.raises(Fenced), fences.passing(name, Fence(6, 9)):
            pytest.fail("an older operation passed")
    with fences.passing("old", Fence(1, 1)):
        pass


def test_only_so_many_work_at_once(tmp_path: Path) -> None:
    slots = Slots(tmp_path, count=2)
    with slots.one(), slots.one(), pytest.raises(BackendUnavailable), slots.one(wait_s=0):
        pytest.fail("a third one works")
    with slots.one(wait_s=0):
        pass
