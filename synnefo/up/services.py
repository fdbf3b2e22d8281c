"""Which processes the cloud of one machine has, and how each shows that it serves."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

from django.conf import settings

from synnefo.up.place import Address, Place
from synnefo.up.supervisor import Child, Probe, Service

_LIVES_S = 3.0
SET_UP = (sys.executable, "-m", "synnefo.up.setup")


def services(place: Place) -> list[Service]:
    found = [
        Service("web", _module("synnefo.up.web", "pages"), _answers(place.listen.local, "/readyz")),
        Service("dispatcher", _module("synnefo.webproject.dispatcher"), _says("dispatcher ready")),
        Service(
            "console", _module("synnefo.webproject.vncauthproxy"), _answers(place.console.local, "/healthz")
        ),
    ]
    if place.objects:
        ready = _answers(place.objects.local, "/readyz")
        found.append(Service("objects", _module("synnefo.up.web", "objects"), ready))
    if place.s3:
        found.append(Service("s3", _module("synnefo.up.web", "s3"), _answers(place.s3.local, "/-/readyz")))
    return found


def _module(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *words)


def _answers(address: Address, path: str) -> Probe:
    """It answers a GET with 200."""

    async def probe(child: Child) -> bool:
        request = f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        return b" 200 " in (await _exchange(address, request.encode())).partition(b"\r\n")[0]

    return probe


def _says(event: str) -> Probe:
    """It logged the event (level INFO); where that is not logged, it lives for a while."""
    level: str = settings.SYNNEFO_LOG_LEVEL
    silent = level not in ("DEBUG", "INFO")

    async def probe(child: Child) -> bool:
        old_enough = time.monotonic() - child.since > _LIVES_S
        return any(event in line for line in child.journal.opening) or (silent and old_enough)

    return probe


async def _exchange(address: Address, request: bytes) -> bytes:
    """What a server answers before it closes; empty if it does not."""
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(request)
            answer = await reader.read(65536)
            writer.close()
            return answer
    return b""
