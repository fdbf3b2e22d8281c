"""The web process: granian serving the WSGI application with the settings of this installation.

The application is loaded once, before the workers are forked, so that they share its memory.
"""

from __future__ import annotations

import ctypes
import gc
import signal
from typing import Any

from django.conf import settings
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from synnefo.up.place import Place

_PR_SET_PDEATHSIG = 1


def main() -> None:
    from synnefo.webproject.wsgi import application

    def in_worker() -> Any:
        # A worker must not outlive the process that gave it the socket, however that one ends.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        return application

    listen = Place.from_settings().listen
    server = Server(
        "synnefo.webproject.wsgi:application",
        address=listen.host,
        port=listen.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.SYNNEFO_WEB_WORKERS,
        blocking_threads=settings.SYNNEFO_WEB_THREADS,
        respawn_failed_workers=True,
        respawn_interval=1,
        workers_kill_timeout=10,
        log_level=LogLevels.error,
        log_access=False,
    )
    gc.freeze()
    server.serve(target_loader=in_worker, wrap_loader=False)


if __name__ == "__main__":
    main()
