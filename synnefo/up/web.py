"""A web process: granian serving the WSGI application with the settings of this installation.

``python -m synnefo.up.web [pages] [objects]`` serves what it is told, or else what ``SYNNEFO_WEB_SERVES``
says. The application is loaded once, before the workers are forked, so that they share its memory.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
from typing import Any

from django.conf import settings
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from synnefo.up.place import Address, Place

_PR_SET_PDEATHSIG = 1


def main() -> None:
    if sys.argv[1:]:
        os.environ["SYNNEFO_WEB_SERVES"] = json.dumps(sys.argv[1:])
    from synnefo.webproject.wsgi import application

    def in_worker() -> Any:
        # A worker must not outlive the process that gave it the socket, however that one ends.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        return application

    listen, workers, threads = _shape()
    server = Server(
        "synnefo.webproject.wsgi:application",
        address=listen.host,
        port=listen.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=workers,
        blocking_threads=threads,
        respawn_failed_workers=True,
        respawn_interval=1,
        workers_kill_timeout=10,
        log_level=LogLevels.error,
        log_access=False,
    )
    gc.freeze()
    server.serve(target_loader=in_worker, wrap_loader=False)


def _shape() -> tuple[Address, int, int]:
    """Where to listen; workers, and threads of each. A thread is held as long as a client takes."""
    place = Place.from_settings()
    if place.objects and "pages" not in settings.SYNNEFO_WEB_SERVES:
        return place.objects, settings.PITHOS_WEB_WORKERS, settings.PITHOS_WEB_THREADS
    return place.listen, settings.SYNNEFO_WEB_WORKERS, settings.SYNNEFO_WEB_THREADS


if __name__ == "__main__":
    main()
