"""``synnefo down``: the services end, then the virtual machines and what the cloud has on this host.

What is wanted is left as it is: machines that ran run again after the next ``synnefo up``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

from synnefo.up.place import Place, UpError
from synnefo.up.supervisor import STOP_TIMEOUT_S

#: Machines are asked to power off and get this long, all together.
GUESTS_S = 60
_HALT = (sys.executable, "-m", "synnefo.up.halt")


def down() -> None:
    """End everything. Raises UpError if something would not end."""
    place = Place.from_settings()
    if not place.data.is_dir():
        return
    _end_supervisor(place)
    with place.exclusively():
        halted = subprocess.run(
            _HALT, env=place.environment(), stdin=subprocess.DEVNULL, timeout=GUESTS_S + 120, check=False
        )
    if halted.returncode != 0:
        raise UpError("not everything could be stopped")
    sys.stdout.write("synnefo: down; start again to resume\n")


def _end_supervisor(place: Place) -> None:
    pid = place.holder()
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S + 10
    while place.holder() is not None:
        if time.monotonic() > deadline:
            raise UpError(f"process {pid} does not end")
        time.sleep(0.1)
