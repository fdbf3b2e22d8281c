"""The process ``snf-dispatcher``: claims operations, works them off in threads, keeps leases alive.

Any number may run against one database. It holds no state worth keeping: SIGKILL at any point costs
time only (a lease), SIGTERM ends it within a step.
"""

from __future__ import annotations

import functools
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from synnefo.engine import background, runner
from synnefo.engine.models import Operation
from synnefo.engine.wake import Listener

log = structlog.get_logger("synnefo.dispatcher")

_POLL_S = 1.0
_RESTART_S = 2.0


class Dispatcher:
    def __init__(self, threads: int | None = None) -> None:
        self.threads: int = threads or settings.SYNNEFO_DISPATCHER_THREADS
        self.owner = f"{socket.gethostname()}:{os.getpid()}"
        self._stopping = threading.Event()
        self._running: dict[int, Operation] = {}
        self._guard = threading.Lock()
        self._listener = Listener()

    def run(self) -> None:
        """Work until told to stop."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        for name, function in background.FOLLOWERS.items():
            self._thread(f"follow-{name}", functools.partial(function, self._stopping.is_set))
        self._thread("leases", self._keep_leases)
        self._thread("periodic", self._run_periodic)
        log.info("dispatcher ready", owner=self.owner, threads=self.threads)
        with ThreadPoolExecutor(self.threads, thread_name_prefix="operation") as pool:
            while not self._stopping.is_set():
                self._claim_into(pool)
                self._listener.wait(self._nap_s())
        self._listener.close()
        log.info("dispatcher stopped", owner=self.owner)

    def stop(self) -> None:
        self._stopping.set()
        self._listener.interrupt()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop()

    def _claim_into(self, pool: ThreadPoolExecutor) -> None:
        try:
            close_old_connections()
            with self._guard:
                free = self.threads - len(self._running)
            for row in runner.claim(self.owner, free):
                with self._guard:
                    self._running[row.pk] = row
                pool.submit(self._work, row)
        except DatabaseError as error:
            log.error("cannot claim", error=str(error))
            self._stopping.wait(_POLL_S)

    def _work(self, row: Operation) -> None:
        try:
            close_old_connections()
            runner.work(row)
        except Exception:  # the row's lease runs out and it is claimed again
            log.exception("operation interrupted", operation=row.pk)
        finally:
            with self._guard:
                self._running.pop(row.pk, None)
            self._listener.interrupt()

    def _nap_s(self) -> float:
        try:
            due = runner.next_wake()
        except DatabaseError:
            return _POLL_S
        if due is None:
            return _POLL_S
        with self._guard:
            if len(self._running) >= self.threads:
                return _POLL_S
        return min(_POLL_S, max(0.01, due.timestamp() - time.time()))

    def _keep_leases(self) -> None:
        while not self._stopping.wait(settings.SYNNEFO_LEASE_S / 3):
            with self._guard:
                rows = list(self._running.values())
            for row in rows:
                if not runner.renew(row):
                    log.warning("lost a lease while working", operation=row.pk)

    def _run_periodic(self) -> None:
        while not self._stopping.wait(0.5):
            background.run_due()

    def _thread(self, name: str, function: Callable[[], None]) -> None:
        threading.Thread(target=self._persist, args=(name, function), name=name, daemon=True).start()

    def _persist(self, name: str, function: Callable[[], None]) -> None:
        """Run a thread's function again whenever it fails, until the process stops."""
        while not self._stopping.is_set():
            try:
                close_old_connections()
                function()
            except Exception:  # the thread must live as long as the process
                log.exception("thread failed, starting it again", thread=name)
            finally:
                connection.close()
            self._stopping.wait(_RESTART_S)
