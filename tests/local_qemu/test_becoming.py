"""What becomes of instances: paused, saved, rescued, rebuilt, of another size; and records from before."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pycdlib
import pytest

from synnefo.cyclades.backends.base import DiskImage, Fence, GuestSetup, InstanceSpec, JobStatus, Power
from synnefo.cyclades.backends.local import LocalBackend, layout
from synnefo.cyclades.backends.local.layout import Home, StoredSpec
from synnefo.cyclades.backends.local.process import pid_of
from tests.contract.kit import wait_until

from . import guests
from .conftest import PATIENCE_S, Machines, finish, make_spec, open_backend

pytestmark = pytest.mark.host


def home_of(data: Path, name: str) -> Home:
    return Home(data / "instances" / name)


def said(backend: LocalBackend, name: str, words: str) -> int:
    return backend.console_log(name, 65536).count(words.encode())


# -- records from before --------------------------------------------------------------------------
def test_an_instance_from_before_volumes_still_runs(
    backend: LocalBackend, data: Path, tmp_path: Path
) -> None:
    old = InstanceSpec(
        "vm-1",
        1,
        64,
        [],
        GuestSetup(hostname="vm-1", instance_id="i-1"),
        disk_gib=1,
        image=guests.image(tmp_path, guests.POLITE),
    )
    finish(backend, backend.create(old, Fence(1, 1)))
    assert home_of(data, "vm-1").disk.exists()
    finish(backend, backend.stop("vm-1", Fence(2, 1), timeout_s=0))
    stored = StoredSpec(spec=old).model_dump_json(exclude={"spec": {"volumes", "config_drive"}})
    (data / "instances" / "vm-1" / "spec.json").write_text(stored)
    finish(backend, backend.start("vm-1", Fence(3, 1)))
    assert backend.instance("vm-1").power is Power.ON
    assert backend.capacity().disk_promised_gib == 1
    finish(backend, backend.delete("vm-1", Fence(4, 1)))
    assert not (data / "instances" / "vm-1").exists()


# -- saved ----------------------------------------------------------------------------------------
def test_a_saved_guest_goes_on_where_it_was(
    backend: LocalBackend, machines: Machines, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = machines.boot(guests.POLITE, until="READY")
    finish(backend, backend.save(name, Fence(2, 1)))
    assert pid_of(home_of(data, name).pidfile) is None
    monkeypatch.setattr(layout, "host_boot_id", lambda: "the next one")
    assert backend.instance(name).power is Power.SAVED, "it outlives the host's restart"
    finish(backend, backend.start(name, Fence(3, 1)))
    assert not home_of(data, name).memory.exists()
    finish(backend, backend.stop(name, Fence(4, 1), timeout_s=PATIENCE_S))
    assert backend.instance(name).reason == "the guest powered off", "its power button works as before"
    assert said(backend, name, "READY") == 1, "it did not boot a second time"


def test_another_process_goes_on_with_the_saving(
    backend: LocalBackend, machines: Machines, data: Path
) -> None:
    name = machines.boot(guests.POLITE, until="READY")
    lost = backend.save(name, Fence(2, 1))
    successor = open_backend(data)
    finish(successor, successor.save(name, Fence(2, 2)))
    finish(successor, lost)
    assert successor.instance(name).power is Power.SAVED


def test_a_start_calls_a_saving_off(backend: LocalBackend, machines: Machines, data: Path) -> None:
    name = machines.boot(guests.POLITE, until="READY")
    job = backend.save(name, Fence(2, 1))
    finish(backend, backend.start(name, Fence(3, 1)))
    assert backend.job(job).status is JobStatus.ERROR
    assert backend.instance(name).power is Power.ON
    assert not home_of(data, name).memory_draft.exists()


def test_a_guest_that_ended_while_it_was_saved_is_off(
    backend: LocalBackend, machines: Machines, data: Path
) -> None:
    name = machines.boot(guests.POLITE, until="READY")
    job = backend.save(name, Fence(2, 1))
    pid = pid_of(home_of(data, name).pidfile)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: backend.job(job).status is JobStatus.ERROR, PATIENCE_S, "the job's end")
    assert backend.instance(name).power is Power.OFF
    finish(backend, backend.start(name, Fence(3, 1)))
    wait_until(lambda: said(backend, name, "READY") == 2, PATIENCE_S, "its boot")


def test_what_was_saved_by_an_unknown_machine_is_kept(
    backend: LocalBackend, machines: Machines, data: Path
) -> None:
    name = machines.boot(guests.POLITE, until="READY")
    finish(backend, backend.save(name, Fence(2, 1)))
    home = home_of(data, name)
    whole = home.memory.read_bytes()
    home.memory.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Exception, match="cannot go on from what was saved"):
        backend.start(name, Fence(3, 1))
    assert backend.instance(name).power is Power.SAVED
    home.memory.write_bytes(whole)
    finish(backend, backend.start(name, Fence(4, 1)))
    assert backend.instance(name).power is Power.ON


# -- rebuilt, rescued -----------------------------------------------------------------------------
def test_a_rebuilt_instance_has_the_other_system(
    backend: LocalBackend, machines: Machines, tmp_path: Path
) -> None:
    name = machines.boot(guests.DEAF, until="READY")
    other = make_spec(name, guests.image(tmp_path, guests.forever(guests.say("OTHER\n") + b"\xf4")))
    finish(backend, backend.rebuild(other, Fence(2, 1)))
    machines.await_words(name, "OTHER")
    pid = pid_of(home_of(tmp_path / "data", name).pidfile)
    finish(backend, backend.rebuild(other, Fence(2, 2)))
    assert pid_of(home_of(tmp_path / "data", name).pidfile) == pid, "once for an operation"
    finish(backend, backend.rebuild(other, Fence(3, 1)))
    assert pid_of(home_of(tmp_path / "data", name).pidfile) != pid


def test_a_rescued_instance_boots_the_other_system_until_it_is_its_own_again(
    backend: LocalBackend, machines: Machines, tmp_path: Path
) -> None:
    name = machines.boot(guests.DEAF, until="READY")
    rescue = guests.image(tmp_path, guests.forever(guests.say("HELP\n") + b"\xf4"))
    setup = GuestSetup(hostname="rescue", instance_id="rescue-1", admin_password="pw")
    finish(backend, backend.rescue(name, rescue, setup, Fence(2, 1)))
    machines.await_words(name, "HELP")
    assert said(backend, name, "READY") == 1
    finish(backend, backend.stop(name, Fence(3, 1), timeout_s=0))
    finish(backend, backend.start(name, Fence(4, 1)))
    wait_until(lambda: said(backend, name, "HELP") > 1, PATIENCE_S, "the rescue's second boot")
    finish(backend, backend.unrescue(name, Fence(5, 1)))
    wait_until(lambda: said(backend, name, "READY") == 2, PATIENCE_S, "its own boot")
    assert not home_of(tmp_path / "data", name).rescue_disk.exists()


def test_a_cd_rescues_too(backend: LocalBackend, machines: Machines, tmp_path: Path) -> None:
    name = machines.boot(guests.DEAF, until="READY")
    cd = bootable_cd(tmp_path / "rescue.iso", guests.forever(guests.say("FROM CD\n") + b"\xf4"))
    finish(backend, backend.rescue(name, cd, None, Fence(2, 1)))
    machines.await_words(name, "FROM CD")


def bootable_cd(path: Path, code: bytes) -> DiskImage:
    disc = pycdlib.PyCdlib()
    disc.new()
    content = code.ljust(2048, b"\0")
    disc.add_fp(io.BytesIO(content), len(content), "/BOOT.;1")
    disc.add_eltorito("/BOOT.;1", bootcatfile="/BOOT.CAT;1")
    disc.write(str(path))
    disc.close()
    return DiskImage(path, "iso")


# -- accounts -------------------------------------------------------------------------------------
def test_promises_are_counted_on_or_off(backend: LocalBackend, machines: Machines) -> None:
    before = backend.capacity()
    name = machines.boot(guests.DEAF)
    after = backend.capacity()
    assert after.vcpus_promised == before.vcpus_promised + 1
    assert after.ram_promised_mib == before.ram_promised_mib + 64
    assert after.disk_promised_gib == before.disk_promised_gib + 1
    finish(backend, backend.stop(name, Fence(2, 1), timeout_s=0))
    assert backend.capacity().ram_promised_mib == after.ram_promised_mib
