"""What QEMU itself wrote down about a run: why it ended, when it was reset or paused.

Each QEMU has a second monitor that nobody needs to be connected to: it reads its greeting from
``journal.in`` and writes every event to ``journal.out``. So the reason of an end is known also when
no process followed at that time, and any number of processes may follow. Nothing here acts.
"""

from __future__ import annotations

import datetime
import json
import os
from dataclasses import dataclass, replace
from typing import Any

from synnefo.cyclades.backends.base import REASON_HOST_REBOOTED, EventKind, Power
from synnefo.cyclades.backends.local import layout
from synnefo.cyclades.backends.local.layout import Home
from synnefo.cyclades.backends.local.process import pid_of

GREETING = '{"execute": "qmp_capabilities"}\n'

_ENDINGS = {
    "guest-shutdown": (EventKind.POWERED_OFF, "the guest powered off"),
    "guest-reset": (EventKind.POWERED_OFF, "the guest powered off"),
    "guest-panic": (EventKind.CRASHED, "the guest panicked"),
    "host-qmp-quit": (EventKind.POWERED_OFF, "powered off by the host"),
    "host-signal": (EventKind.POWERED_OFF, "QEMU was told to end"),
    "host-ui": (EventKind.POWERED_OFF, "powered off by the host"),
    "host-error": (EventKind.CRASHED, "QEMU met an error of the host"),
}


@dataclass(frozen=True)
class Entry:
    """An event of QEMU's; ``offset`` is where its line ends in the journal."""

    event: str
    at: datetime.datetime
    data: dict[str, Any]
    offset: int


@dataclass(frozen=True)
class View:
    """An instance as it is now. ``boot`` is its current or last run; ``ending`` tells an end's kind."""

    boot: str
    power: Power
    reason: str = ""
    ending: EventKind = EventKind.POWERED_OFF
    at: datetime.datetime | None = None
    rebooting: bool = False
    because: str = "start"
    #: False while QEMU starts, and after it failed to: such a run tells nothing about the guest.
    settled: bool = True


def entries(home: Home, after: int = 0) -> list[Entry]:
    """The events of the current run beyond the offset ``after`` (an offset of an earlier run counts as 0)."""
    try:
        with home.journal.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            offset = stream.seek(max(after if after <= size else 0, size - layout.LOG_KEEP_BYTES))
            text = stream.read(layout.LOG_KEEP_BYTES)
    except FileNotFoundError:
        return []
    found = []
    for line in text.splitlines(keepends=True):
        offset += len(line)
        if entry := _entry(line, offset):
            found.append(entry)
    return found


def started(home: Home) -> bool:
    """Whether the run got as far as QEMU's main loop, which answers the greeting."""
    try:
        with home.journal.open("rb") as stream:
            return b'"return"' in stream.read(layout.HEAD_BYTES)
    except FileNotFoundError:
        return False


def look(home: Home) -> View:
    """The instance now; ``Power.ABSENT`` where there is none.

    The order of looks matters: a process seen alive is alive; one seen gone has written its journal.
    """
    boot = home.boot()
    if not home.exists():
        return View("", Power.ABSENT)
    if boot is None:
        return View("", Power.OFF, "never started")
    request = home.request()
    asked = request if request and request.boot == boot.id else None
    rebooting = asked is not None and asked.kind == "reboot"
    alive = pid_of(home.pidfile) is not None
    written = {entry.event: entry for entry in entries(home)}
    view = View(boot.id, Power.OFF, rebooting=rebooting, because=boot.because)
    if not alive and home.memory.exists():
        return replace(view, power=Power.SAVED, reason="saved")
    restarted = boot.host != layout.host_boot_id()
    shutdown = written.get("SHUTDOWN")
    cause = str(shutdown.data.get("reason")) if shutdown else ""
    # A host that goes down ends its processes by a signal first: that is its restart, not anybody's will.
    if shutdown and not (restarted and cause == "host-signal"):
        kind, reason = _ENDINGS.get(cause, (EventKind.POWERED_OFF, "powered off"))
        return replace(view, reason=reason, ending=kind, at=shutdown.at)
    if asked and asked.forced and not alive:
        return replace(view, reason="powered off by the host")
    if restarted:
        return replace(view, reason=REASON_HOST_REBOOTED)
    if not started(home):
        return replace(view, reason="QEMU is starting" if alive else "QEMU did not start", settled=False)
    if alive:
        return replace(view, power=_paused_or_on(written))
    return replace(view, reason="QEMU was killed or crashed", ending=EventKind.CRASHED)


def _paused_or_on(written: dict[str, Entry]) -> Power:
    stopped, resumed = written.get("STOP"), written.get("RESUME")
    paused = stopped and (resumed is None or resumed.offset < stopped.offset)
    return Power.PAUSED if paused else Power.ON


def _entry(line: bytes, offset: int) -> Entry | None:
    """The event of a line; None for the greeting, answers, a hole's zeros and a line not yet whole."""
    try:
        told = json.loads(line.lstrip(b"\0"))
        stamp = told["timestamp"]
        at = datetime.datetime.fromtimestamp(stamp["seconds"] + stamp["microseconds"] / 1e6, datetime.UTC)
        return Entry(told["event"], at, told.get("data", {}), offset)
    except (ValueError, KeyError, TypeError):
        return None
