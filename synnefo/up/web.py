"""A web process: granian serving the WSGI application with the settings of this installation.

``python -m synnefo.up.web [pages] [objects]`` (or ``s3``) serves what it is told, or else what
``SYNNEFO_WEB_SERVES`` says, over a bridge that knows about slow clients. The application is loaded once,
before the workers are forked, so that they share its memory.
"""

from __future__ import annotations

import ctypes
import dataclasses
import gc
import json
import os
import signal
import sys
from typing import Any

from django.conf import settings
from django.core.checks.urls import check_url_config
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from synnefo.common.accounts import accounts
from synnefo.up.bridge import Bridge
from synnefo.up.place import Address, Place

_PR_SET_PDEATHSIG = 1
#: Long answers take and give back megabytes each time: so much the C library keeps (``malloc.h``:
#: M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD), for the system to find new pages takes a tenth of the time.
_KEPT_MEMORY = ((-1, 32 * 1024 * 1024), (-2, 8 * 1024 * 1024), (-3, 16 * 1024 * 1024))
#: So much of a body comes in one piece if it is there: each takes several threads' turns.
_PIECE_BYTES = 2 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Shape:
    """Where to listen; workers, and threads of each, one of which is held as long as a client takes."""

    listen: Address
    workers: int
    threads: int


def main() -> None:
    if sys.argv[1:]:
        os.environ["SYNNEFO_WEB_SERVES"] = json.dumps(sys.argv[1:])
    from synnefo.webproject.wsgi import application, lanes, prompts

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # what is answered in the loop is meant to be
    shape = _shape()
    check_url_config(None)  # loads all views

    def in_worker() -> Any:
        # A worker must not outlive the process that gave it the socket, however that one ends.
        system = ctypes.CDLL(None)
        system.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        for option, size_bytes in _KEPT_MEMORY:
            system.mallopt(option, size_bytes)
        stalled_s = settings.SYNNEFO_WEB_STALLED_S
        if prompts:
            accounts().remember()
        return Bridge(application, threads=shape.threads, stalled_s=stalled_s, prompts=prompts, lanes=lanes)

    server = Server(
        "synnefo.webproject.wsgi:application",
        address=shape.listen.host,
        port=shape.listen.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=_PIECE_BYTES),
        websockets=False,
        workers=shape.workers,
        blocking_threads=1,
        respawn_failed_workers=True,
        respawn_interval=1,
        workers_kill_timeout=10,
        log_level=LogLevels.error,
        log_access=False,
    )
    gc.freeze()
    server.serve(target_loader=in_worker, wrap_loader=False)


def _shape() -> Shape:
    place, serves = Place.from_settings(), settings.SYNNEFO_WEB_SERVES
    if place.s3 and "s3" in serves:
        return Shape(place.s3, settings.PITHOS_WEB_WORKERS, settings.PITHOS_WEB_THREADS)
    if place.objects and "pages" not in serves:
        return Shape(place.objects, settings.PITHOS_WEB_WORKERS, settings.PITHOS_WEB_THREADS)
    return Shape(place.listen, settings.SYNNEFO_WEB_WORKERS, settings.SYNNEFO_WEB_THREADS)


if __name__ == "__main__":
    main()
