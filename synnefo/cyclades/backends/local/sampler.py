"""Measuring what instances use: processors, memory, network and disks.

Owns where the figures come from. All are of the run of QEMU, so they begin again at 0 with each start. The
network's are of the cards' taps, seen from the guest; QEMU's own network counts nothing.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from qemu.qmp import ExecuteError

from synnefo.cyclades.backends.base import BackendError, BackendUnavailable, Sample
from synnefo.cyclades.backends.local import history, layout, process, qmp
from synnefo.cyclades.backends.local.fencing import Fences
from synnefo.cyclades.backends.local.host import readable
from synnefo.cyclades.backends.local.layout import Home

log = logging.getLogger(__name__)

_LOOK_S = 2.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_USER_TIME, _SYSTEM_TIME = 11, 12  # fields of /proc/<pid>/stat behind the name
_RECEIVED, _SENT = 0, 8  # fields of /proc/<pid>/net/dev behind the name


class Sampler(contextlib.AbstractContextManager["Sampler"]):
    """Measures all instances of a host in a thread of its own, as long as it is held."""

    def __init__(self, root: Path, fences: Fences) -> None:
        self._root = root
        self._fences = fences
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._thread.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            for home in layout.homes(self._root):
                if self._stopping.is_set():
                    return
                try:
                    measure_if_due(home, self._fences)
                except (BackendError, OSError) as error:  # it ends, or is being worked on: the next look
                    log.debug("%s is not measured now: %s", home.name, error)


def measure_if_due(home: Home, fences: Fences) -> None:
    """Keep a sample of an instance that is on, unless there is one of this moment.

    Raises BackendUnavailable while somebody acts on it, BackendError, OSError.
    """
    now = datetime.datetime.now(datetime.UTC)
    if process.pid_of(home.pidfile) is None or not history.is_due(home.history, now):
        return
    with fences.holding(home.name, wait_s=0):
        if (pid := process.pid_of(home.pidfile)) is not None:
            history.put(home.history, _measure(home, pid, now))


def _measure(home: Home, pid: int, now: datetime.datetime) -> Sample:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    received, sent = _network(home, pid)
    read, written = _disks(home)
    return Sample(
        at=now,
        cpu_s=(int(stat[_USER_TIME]) + int(stat[_SYSTEM_TIME])) / _TICKS,
        ram_mib=resident * _PAGE_BYTES // 2**20,
        rx_bytes=received,
        tx_bytes=sent,
        read_bytes=read,
        written_bytes=written,
    )


def _network(home: Home, pid: int) -> tuple[int, int]:
    """What the guest received and sent: the taps of its cards are in the namespace that QEMU is in."""
    cards = {nic.name for spec in readable(home) for nic in spec.nics}
    received = sent = 0
    for line in Path(f"/proc/{pid}/net/dev").read_text().splitlines():
        name, colon, numbers = line.strip().partition(":")
        if colon and name in cards:
            fields = numbers.split()
            received += int(fields[_SENT])
            sent += int(fields[_RECEIVED])
    return received, sent


def _disks(home: Home) -> tuple[int, int]:
    async def ask(client: Any) -> Any:
        return await client.execute("query-blockstats")

    try:
        told = qmp.converse(home.qmp, ask, "telling what it uses")
    except ExecuteError as refusal:
        raise BackendUnavailable(str(refusal)) from refusal
    stats = [one["stats"] for one in told if one.get("qdev")]
    return sum(one["rd_bytes"] for one in stats), sum(one["wr_bytes"] for one in stats)
