"""What tests of engines share: waiting, watching events, connecting to screens. It knows no engine."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import pytest

from synnefo.cyclades.backends.base import Backend, ConsoleEndpoint, Event, EventKind, InstanceSpec, Nic

T = TypeVar("T")


class MakeSpec(Protocol):
    def __call__(self, name: str, nics: Sequence[Nic] = ()) -> InstanceSpec: ...


def wait_until(condition: Callable[[], T | None], patience_s: float, what: str) -> T:
    """The first true value of ``condition``; fails naming ``what`` after ``patience_s``."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {patience_s} s")
        time.sleep(0.05)
    return value


class Watch:
    """A running ``follow``: collects events, tells when one arrived."""

    def __init__(self, backend: Backend, patience_s: float) -> None:
        self._patience_s = patience_s
        self._asked = threading.Semaphore(0)
        self._stopping = threading.Event()
        self._events: queue.Queue[Event] = queue.Queue()
        self._thread = threading.Thread(target=backend.follow, args=(self._events.put, self._stop))

    def _stop(self) -> bool:
        self._asked.release()
        return self._stopping.is_set()

    def __enter__(self) -> Watch:
        self._thread.start()
        for _ in range(2):
            assert self._asked.acquire(timeout=self._patience_s), "follow() does not ask stop()"
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(self._patience_s)
        assert not self._thread.is_alive(), "follow() goes on after stop() was true"

    def expect(self, instance: str, *kinds: EventKind) -> Event:
        """The next event of one of ``kinds`` about ``instance``."""
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                event = self._events.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"no event {kinds} of {instance} within {self._patience_s} s")
            if event.instance == instance and event.kind in kinds:
                return event

    def seen(self) -> list[Event]:
        """What arrived and was not yet asked for."""
        events = []
        with contextlib.suppress(queue.Empty):
            while True:
                events.append(self._events.get_nowait())
        return events


def rfb_socket(endpoint: ConsoleEndpoint, timeout_s: float) -> socket.socket:
    """A connection to the screen."""
    if endpoint.unix_path is None:
        return socket.create_connection((endpoint.host, endpoint.port), timeout_s)
    screen = socket.socket(socket.AF_UNIX)
    screen.settimeout(timeout_s)
    screen.connect(str(endpoint.unix_path))
    return screen
