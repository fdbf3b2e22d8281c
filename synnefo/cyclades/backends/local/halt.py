"""Ending the engine of this machine as an orderly reboot of the host would: guests off, networks gone.

Instances, their disks and what is wanted of them stay; the next look finds that the host restarted, so
whoever keeps the wanted states starts them again. No other process may act on the engine meanwhile.
"""

from __future__ import annotations

import contextlib
import time

from synnefo.cyclades.backends.base import BackendUnavailable
from synnefo.cyclades.backends.local import layout, process, qmp
from synnefo.cyclades.backends.local.backend import LocalBackend
from synnefo.cyclades.backends.local.layout import Home

#: Stands in a run's record for the run of the host: it is over.
_HALTED = "halted"
_PRESS_AGAIN_S = 2.0
_LOOK_S = 0.1


def halt(engine: LocalBackend, *, timeout_s: float) -> int:
    """Ask all guests to power off, end those that have not after ``timeout_s``, take the network away.

    Returns how many instances ran. Raises BackendError, BackendUnavailable.
    """
    running = [home for home in layout.homes(engine.root) if process.pid_of(home.pidfile) is not None]
    for home in running:
        if boot := home.boot():
            home.write_boot(boot.model_copy(update={"host": _HALTED}))
    late = _await_power_off(running, timeout_s)
    for home in late:
        with contextlib.suppress(BackendUnavailable):
            qmp.execute(home.qmp, "quit")
        if not process.await_end(home.pidfile, _PRESS_AGAIN_S):
            process.kill(home.pidfile)
    for home in running:
        home.journal.write_bytes(b"")  # a guest that was told to go did not go by itself
    engine.fabric.teardown()
    return len(running)


def _await_power_off(homes: list[Home], timeout_s: float) -> list[Home]:
    """Press the power buttons, again and again; returns those that still run in the end."""
    deadline = time.monotonic() + timeout_s
    pressed_s = float("-inf")
    while homes and time.monotonic() < deadline:
        if time.monotonic() - pressed_s > _PRESS_AGAIN_S:
            pressed_s = time.monotonic()
            for home in homes:
                with contextlib.suppress(BackendUnavailable):
                    qmp.execute(home.qmp, "system_powerdown")
        time.sleep(_LOOK_S)
        homes = [home for home in homes if process.pid_of(home.pidfile) is not None]
    return homes
