"""Keeps the processes of a one-machine cloud alive, and ends them together.

Children are in process groups of their own, so that Ctrl-C reaches the supervisor alone; the kernel
tells them to end if it dies. A child that ends is started again, after longer and longer pauses while
it keeps failing. Virtual machines are no children: they go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from synnefo.up.journal import Journal, Terminal
from synnefo.up.place import UpError

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
_PAUSES_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_LIVED_WELL_S = 30.0
#: A daemon that a process started may hold its output open for ever.
_LAST_WORDS_S = 1.0

Probe = Callable[["Child"], Awaitable[bool]]


@dataclasses.dataclass(frozen=True)
class Service:
    """A process to keep alive; ``ready`` is asked again and again until it says yes."""

    name: str
    argv: Sequence[str]
    ready: Probe


class Child:
    """One service's process, started at ``since`` (monotonic), and the next one when it is gone."""

    def __init__(self, service: Service, journal: Journal, environment: dict[str, str]) -> None:
        self.service = service
        self.journal = journal
        self.pid: int | None = None
        self.since = 0.0
        self.exits = 0
        self._environment = environment
        self._stopping = asyncio.Event()

    def start(self) -> None:
        self.task = asyncio.create_task(self._keep(), name=self.service.name)

    async def wait_ready(self) -> None:
        """Raises UpError if the process does not serve in time."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not (self.pid and await self.service.ready(self)):
            if self.task.done():
                self.task.result()
            if time.monotonic() > deadline:
                raise UpError(f"{self.service.name} did not become ready; see {self.journal.path}")
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Ask the process to end; kill it and what it left behind if it does not."""
        self._stopping.set()
        self._signal(signal.SIGTERM)
        await asyncio.wait([self.task], timeout=STOP_TIMEOUT_S)
        self.kill()
        await asyncio.wait([self.task])
        self.task.exception()  # it was told already by whoever waited for readiness

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    async def _keep(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            status = await self._run()
            if self._stopping.is_set():
                return
            if status == os.EX_CONFIG:
                raise UpError(
                    f"{self.service.name}: the configuration cannot be used; see {self.journal.path}"
                )
            self.exits += 1
            failures = 0 if time.monotonic() - started > _LIVED_WELL_S else failures + 1
            pause_s = _PAUSES_S[min(failures, len(_PAUSES_S) - 1)]
            self.journal.remark(f"ended {_how(status)}; starting it again in {pause_s:g} s")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)

    async def _run(self) -> int:
        status = await run(self.service.argv, self.journal, self._environment, self._started)
        self.pid = None
        return status

    def _started(self, pid: int) -> None:
        self.pid, self.since = pid, time.monotonic()
        if self._stopping.is_set():
            self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


async def run(
    argv: Sequence[str],
    journal: Journal,
    environment: dict[str, str],
    started: Callable[[int], None] = lambda pid: None,
) -> int:
    """Run a program to its end and give its status (negative: the signal that ended it)."""
    journal.begin()
    process = await asyncio.create_subprocess_exec(
        # The kernel tells the child when the supervisor is gone.
        *("setpriv", "--pdeathsig", "TERM", "--", *argv),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        env=environment,
    )
    started(process.pid)
    reading = asyncio.create_task(_read(process, journal))
    try:
        status = await process.wait()
    finally:
        _kill_group(process.pid)
        await asyncio.wait([reading], timeout=_LAST_WORDS_S)
        reading.cancel()
        journal.end()
    return status


async def _read(process: asyncio.subprocess.Process, journal: Journal) -> None:
    assert process.stdout is not None  # noqa: S101  asked for above
    while data := await process.stdout.read(65536):
        journal.feed(data)


def _kill_group(group: int) -> None:
    """What a process leaves behind when it ends would hold its ports."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _how(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"


class Supervisor:
    """All processes of one cloud, from start to end."""

    def __init__(self, log: Path, environment: dict[str, str], terminal: Terminal) -> None:
        self._log = log
        self._environment = environment
        self._terminal = terminal
        self._stopping = asyncio.Event()
        self._children: list[Child] = []

    async def run(
        self, set_up: Sequence[str], services: Sequence[Service], greet: Callable[[], None]
    ) -> None:
        """Set up, start everything, greet when all of it serves, and wait for a signal to end.

        Raises UpError when that cannot be done; everything is ended then, too.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        try:
            await self._until_stopped(self._start(set_up, services))
            if not self._stopping.is_set():
                greet()
            await self._until_stopped(self._watch())
        finally:
            await self._stop()

    async def _start(self, set_up: Sequence[str], services: Sequence[Service]) -> None:
        await self._set_up(set_up)
        self._children = [
            Child(service, self._journal(service.name), self._environment) for service in services
        ]
        for child in self._children:
            child.start()
        for child in self._children:
            await child.wait_ready()

    async def _set_up(self, argv: Sequence[str]) -> None:
        journal = self._journal("setup")
        try:
            status = await run(argv, journal, self._environment)
        finally:
            journal.close()
        if status != 0:
            raise UpError(f"setting up failed; see {journal.path}")

    async def _watch(self) -> None:
        """Children look after themselves; one that gives up for good ends the cloud."""
        ended, _ = await asyncio.wait(
            [child.task for child in self._children], return_when=asyncio.FIRST_COMPLETED
        )
        for task in ended:
            task.result()

    async def _until_stopped(self, work: Awaitable[None]) -> None:
        working = asyncio.ensure_future(work)
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working

    async def _stop(self) -> None:
        if self._children:
            self._terminal.say("synnefo", "stopping the services; virtual machines keep running")
        await asyncio.gather(*(child.stop() for child in self._children))
        for child in self._children:
            child.journal.close()
        if self._children:
            self._terminal.say(
                "synnefo", "stopped; start again to resume, `synnefo down` also stops the machines"
            )

    def _journal(self, source: str) -> Journal:
        return Journal(source, self._log, self._terminal)

    def _on_signal(self) -> None:
        """The first signal asks; a second one does not wait any longer."""
        if self._stopping.is_set():
            for child in self._children:
                child.kill()
        self._stopping.set()
