"""Stop and reboot of guests that listen and of guests that do not, across callers that come and go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import BackendError, Fence, Fenced, JobStatus, Power
from synnefo.cyclades.backends.local import LocalBackend, qmp
from synnefo.cyclades.backends.local.layout import Home
from synnefo.cyclades.backends.local.process import pid_of
from tests.contract.kit import rfb_socket, wait_until

from . import guests
from .conftest import PATIENCE_S, Machines, finish, is_on, make_spec, open_backend

pytestmark = pytest.mark.host

CREATE_AND_WAIT = """
import sys, time
from pathlib import Path
from synnefo.cyclades.backends.base import Fence
from tests.local_qemu import guests
from tests.local_qemu.conftest import make_spec, open_backend
data = Path(sys.argv[1])
backend = open_backend(data)
backend.ensure()
backend.create(make_spec("vm-orphan", guests.image(data, guests.POLITE)), Fence(1, 1))
print("created", flush=True)
time.sleep(600)
"""


def qemu_pid(data: Path, name: str) -> int | None:
    return pid_of(Home(data / "instances" / name).pidfile)


def test_qemu_outlives_a_caller_that_is_killed(backend: LocalBackend, data: Path) -> None:
    caller = subprocess.Popen([sys.executable, "-c", CREATE_AND_WAIT, str(data)], stdout=subprocess.PIPE)
    try:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"created\n"
        pid = qemu_pid(data, "vm-orphan")
        assert pid is not None
        assert os.getsid(pid) != os.getsid(caller.pid)
    finally:
        caller.send_signal(signal.SIGKILL)
        caller.communicate()
    assert is_on(backend, "vm-orphan")
    assert qemu_pid(data, "vm-orphan") == pid
    finish(backend, backend.stop("vm-orphan", Fence(2, 1)))
    assert backend.instance("vm-orphan").power is Power.OFF


def test_a_guest_that_listens_powers_off_by_itself(backend: LocalBackend, machines: Machines) -> None:
    name = machines.boot(guests.POLITE, until="READY")
    finish(backend, backend.stop(name, Fence(2, 1), timeout_s=600))
    assert backend.instance(name).reason == "the guest powered off"


def test_the_plug_is_pulled_on_a_deaf_guest(backend: LocalBackend, machines: Machines) -> None:
    name = machines.boot(guests.DEAF, until="READY")
    began = time.monotonic()
    job = backend.stop(name, Fence(2, 1), timeout_s=1)
    assert backend.job(job).status is JobStatus.RUNNING
    finish(backend, job)
    assert time.monotonic() - began >= 1
    assert backend.instance(name).reason == "powered off by the host"


def test_the_button_is_pressed_again_for_a_guest_in_early_boot(
    backend: LocalBackend, machines: Machines
) -> None:
    name = machines.boot(guests.POLITE)
    finish(backend, backend.stop(name, Fence(2, 1), timeout_s=600))
    assert backend.instance(name).reason == "the guest powered off"


def test_stopping_again_finds_the_job(backend: LocalBackend, machines: Machines, data: Path) -> None:
    name = machines.boot(guests.DEAF)
    job = backend.stop(name, Fence(2, 1), timeout_s=600)
    assert open_backend(data).stop(name, Fence(2, 2), timeout_s=600) == job


def test_a_start_calls_a_stop_off(backend: LocalBackend, machines: Machines) -> None:
    name = machines.boot(guests.DEAF)
    job = backend.stop(name, Fence(2, 1), timeout_s=0)
    backend.start(name, Fence(3, 1))
    assert backend.job(job).status is JobStatus.ERROR
    assert is_on(backend, name)


def test_a_job_of_an_earlier_run_does_not_touch_the_next(backend: LocalBackend, machines: Machines) -> None:
    name = machines.boot(guests.DEAF)
    job = backend.stop(name, Fence(2, 1), timeout_s=0)
    finish(backend, job)
    finish(backend, backend.start(name, Fence(3, 1)))
    assert backend.job(job).status is JobStatus.SUCCESS
    assert is_on(backend, name)


def test_a_deaf_guest_is_rebooted_hard_in_the_end(
    backend: LocalBackend, machines: Machines, data: Path
) -> None:
    name = machines.boot(guests.DEAF)
    before = qemu_pid(data, name)
    finish(backend, backend.reboot(name, Fence(2, 1), hard=False, timeout_s=1))
    assert is_on(backend, name)
    assert qemu_pid(data, name) != before


def test_a_hard_reboot_resets_the_machine_in_place(
    backend: LocalBackend, machines: Machines, data: Path
) -> None:
    name = machines.boot(guests.DEAF, until="READY")
    before = qemu_pid(data, name)
    finish(backend, backend.reboot(name, Fence(2, 1), hard=True))
    machines.await_words(name, "READY\nREADY\n")
    assert qemu_pid(data, name) == before


def test_a_qemu_that_does_not_answer_is_ended(backend: LocalBackend, machines: Machines, data: Path) -> None:
    name = machines.boot(guests.POLITE)
    pid = qemu_pid(data, name)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    finish(backend, backend.stop(name, Fence(2, 1), timeout_s=0))
    assert backend.instance(name).reason == "powered off by the host"


def test_start_resumes_a_guest_that_was_paused(backend: LocalBackend, machines: Machines, data: Path) -> None:
    name = machines.boot(guests.DEAF)
    qmp.execute(Home(data / "instances" / name).qmp, "stop")
    assert backend.instance(name).power is Power.PAUSED
    finish(backend, backend.start(name, Fence(2, 1)))
    assert is_on(backend, name)


def test_a_stopped_qemu_does_not_hold_up_a_delete(
    backend: LocalBackend, machines: Machines, data: Path
) -> None:
    name = machines.boot(guests.DEAF)
    pid = qemu_pid(data, name)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    finish(backend, backend.delete(name, Fence(2, 1)))
    assert backend.instance(name).power is Power.ABSENT


def test_a_pid_file_left_behind_names_nobody(backend: LocalBackend, machines: Machines, data: Path) -> None:
    name = machines.boot(guests.DEAF)
    finish(backend, backend.stop(name, Fence(2, 1), timeout_s=0))
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        Home(data / "instances" / name).pidfile.write_text(f"{bystander.pid}\n")
        assert backend.instance(name).power is Power.OFF
        finish(backend, backend.delete(name, Fence(3, 1)))
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_caller_that_was_overtaken_changes_nothing(
    backend: LocalBackend, machines: Machines, data: Path
) -> None:
    name = machines.boot(guests.DEAF)
    backend.start(name, Fence(5, 2))
    with pytest.raises(Fenced):
        open_backend(data).delete(name, Fence(5, 1))
    assert is_on(backend, name)


def test_a_long_data_directory_works(tmp_path: Path) -> None:
    data = tmp_path / ("long-" * 40) / ("path-" * 40)
    data.mkdir(parents=True)
    backend = open_backend(data)
    backend.ensure()
    try:
        backend.create(make_spec("vm-far", guests.image(tmp_path, guests.DEAF)), Fence(1, 1))
        finish(backend, backend.reboot("vm-far", Fence(2, 1), hard=True))
        with rfb_socket(backend.console("vm-far"), PATIENCE_S) as screen:
            assert screen.recv(12).startswith(b"RFB 003.")
        finish(backend, backend.stop("vm-far", Fence(3, 1), timeout_s=1))
        assert backend.instance("vm-far").power is Power.OFF
    finally:
        backend.delete("vm-far", Fence(9, 1))


def test_delete_leaves_nothing(backend: LocalBackend, machines: Machines, data: Path) -> None:
    name = machines.boot(guests.DEAF)
    pid = qemu_pid(data, name)
    backend.delete(name, Fence(2, 1))
    assert list((data / "instances").iterdir()) == []
    assert not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/cmdline").read_bytes() == b""


def test_what_a_killed_delete_left_is_swept(backend: LocalBackend, data: Path) -> None:
    leftover = data / "instances" / ".gone-vm-1-1"
    leftover.mkdir()
    (leftover / "disk.qcow2").write_text("")
    assert backend.instances() == []
    open_backend(data).ensure()
    assert not leftover.exists()


def test_qemu_has_no_rights(backend: LocalBackend, machines: Machines, data: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can change to another user")
    name = machines.boot(guests.DEAF)
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{qemu_pid(data, name)}/status").read_text().splitlines()
    )
    assert status["Uid"].split() == ["65534"] * 4
    assert status["CapEff"].strip("0") == ""
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_a_dozen_at_once_all_run(backend: LocalBackend, machines: Machines) -> None:
    specs = [machines.spec(guests.DEAF) for _ in range(12)]
    with ThreadPoolExecutor(len(specs)) as pool:
        jobs = list(pool.map(lambda spec: backend.create(spec, Fence(1, 1)), specs))
    for job in jobs:
        finish(backend, job)
    wait_until(
        lambda: all(b"READY" in backend.console_log(spec.name, 64) for spec in specs),
        PATIENCE_S,
        "twelve boots",
    )


def test_an_instance_that_was_never_made_is_refused(backend: LocalBackend) -> None:
    with pytest.raises(BackendError, match="no instance"):
        backend.start("vm-none", Fence(1, 1))
