"""Whatever happens to a guest or its QEMU is noticed within two seconds, and known afterwards."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import REASON_HOST_REBOOTED, EventKind, Fence, Power
from synnefo.cyclades.backends.local import LocalBackend, layout
from synnefo.cyclades.backends.local.layout import Home
from synnefo.cyclades.backends.local.process import pid_of
from tests.contract.kit import Watch, wait_until

from . import guests
from .conftest import PATIENCE_S, Machines, finish, is_on, open_backend

pytestmark = pytest.mark.host

NOTICED_S = 2.0


def kill_qemu(data: Path, name: str, how: signal.Signals = signal.SIGKILL) -> None:
    pid = pid_of(Home(data / "instances" / name).pidfile)
    assert pid is not None
    os.kill(pid, how)


def await_off(backend: LocalBackend, name: str) -> str:
    """The reason why it is off."""
    wait_until(lambda: backend.instance(name).power is Power.OFF, PATIENCE_S, f"{name} off")
    return backend.instance(name).reason


def test_a_killed_qemu_is_noticed(backend: LocalBackend, machines: Machines, data: Path) -> None:
    name = machines.boot(guests.DEAF)
    with Watch(backend, PATIENCE_S) as watch:
        began = time.monotonic()
        kill_qemu(data, name)
        crash = watch.expect(name, EventKind.CRASHED)
        assert time.monotonic() - began < NOTICED_S
    assert "killed" in crash.message
    assert backend.instance(name).power is Power.OFF


def test_a_guest_that_powers_off_is_noticed(backend: LocalBackend, machines: Machines) -> None:
    with Watch(backend, PATIENCE_S) as watch:
        name = machines.boot(guests.BRIEF, until="BYE")
        said = time.monotonic()
        watch.expect(name, EventKind.POWERED_ON)
        off = watch.expect(name, EventKind.POWERED_OFF)
        assert time.monotonic() - said < NOTICED_S
    assert off.message == "the guest powered off"


def test_a_guest_that_panics_is_noticed(backend: LocalBackend, machines: Machines) -> None:
    with Watch(backend, PATIENCE_S) as watch:
        name = machines.boot(guests.PANICKING, until="OOPS")
        said = time.monotonic()
        assert watch.expect(name, EventKind.CRASHED).message == "the guest panicked"
        assert time.monotonic() - said < NOTICED_S


def test_a_guest_that_resets_is_noticed(backend: LocalBackend, machines: Machines) -> None:
    with Watch(backend, PATIENCE_S) as watch:
        name = machines.boot(guests.RESETTING, until="AGAIN")
        said = time.monotonic()
        assert watch.expect(name, EventKind.RESET).message == "by the guest"
        assert time.monotonic() - said < NOTICED_S
    assert is_on(backend, name)


def test_an_instance_made_by_another_process_is_followed(
    backend: LocalBackend, machines: Machines, data: Path
) -> None:
    with Watch(open_backend(data), PATIENCE_S) as watch:
        name = machines.boot(guests.DEAF)
        watch.expect(name, EventKind.POWERED_ON)
        backend.delete(name, Fence(2, 1))
        watch.expect(name, EventKind.REMOVED)


def test_a_soft_reboot_is_told_as_a_reset_alone(backend: LocalBackend, machines: Machines) -> None:
    name = machines.boot(guests.POLITE, until="READY")
    with Watch(backend, PATIENCE_S) as watch:
        finish(backend, backend.reboot(name, Fence(2, 1), hard=False))
        watch.expect(name, EventKind.RESET)
        assert [event for event in watch.seen() if event.kind is not EventKind.RESET] == []
    assert is_on(backend, name)


@pytest.mark.parametrize(
    ("code", "reason"),
    [(guests.BRIEF, "the guest powered off"), (guests.PANICKING, "the guest panicked")],
    ids=["powered off", "panicked"],
)
def test_the_reason_is_known_though_nobody_followed(
    backend: LocalBackend, machines: Machines, data: Path, code: bytes, reason: str
) -> None:
    name = machines.boot(code)
    assert await_off(backend, name) == reason
    assert open_backend(data).instance(name).reason == reason


@pytest.mark.parametrize(
    ("how", "reason"),
    [(signal.SIGKILL, "QEMU was killed or crashed"), (signal.SIGTERM, "QEMU was told to end")],
    ids=["SIGKILL", "SIGTERM"],
)
def test_what_an_operator_did_is_known(
    backend: LocalBackend, machines: Machines, data: Path, how: signal.Signals, reason: str
) -> None:
    name = machines.boot(guests.DEAF)
    kill_qemu(data, name, how)
    assert await_off(backend, name) == reason


def test_after_a_restart_of_the_host_it_starts_again(
    backend: LocalBackend, machines: Machines, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = machines.boot(guests.DEAF)
    kill_qemu(data, name)
    monkeypatch.setattr(layout, "host_boot_id", lambda: "the next one")
    assert await_off(backend, name) == REASON_HOST_REBOOTED
    finish(backend, backend.start(name, Fence(2, 1)))
    assert is_on(backend, name)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["cut off", "told to end"])
def test_an_end_by_the_restart_of_the_host_is_told_from_others(
    backend: LocalBackend,
    machines: Machines,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: signal.Signals,
) -> None:
    stopped, running = machines.boot(guests.DEAF), machines.boot(guests.DEAF)
    finish(backend, backend.stop(stopped, Fence(2, 1), timeout_s=0))
    kill_qemu(data, running, how)
    await_off(backend, running)
    monkeypatch.setattr(layout, "host_boot_id", lambda: "the next one")
    assert backend.instance(running).reason == REASON_HOST_REBOOTED
    assert backend.instance(stopped).reason == "powered off by the host"


def test_booting_what_was_off_is_told_as_a_power_on(backend: LocalBackend, machines: Machines) -> None:
    name = machines.boot(guests.DEAF)
    finish(backend, backend.stop(name, Fence(2, 1), timeout_s=0))
    with Watch(backend, PATIENCE_S) as watch:
        finish(backend, backend.reboot(name, Fence(3, 1), hard=False))
        watch.expect(name, EventKind.POWERED_ON)


def test_a_chatty_guest_does_not_fill_the_disk(backend: LocalBackend, machines: Machines, data: Path) -> None:
    name = machines.boot(guests.CHATTY)
    console = data / "instances" / name / "console.log"
    with Watch(backend, PATIENCE_S):
        wait_until(lambda: console.stat().st_size > 2 * 2**20, PATIENCE_S, "two MiB of talk")
        wait_until(lambda: console.stat().st_blocks * 512 < 2**20, 2, "its disk blocks given back")
    assert b"all work and no play" in backend.console_log(name, 100)
