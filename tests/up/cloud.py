"""A cloud of its own for a test: ``synnefo up`` as a process, on data and ports that nobody else has."""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg

START_S = 60.0
STOP_S = 40.0
_ENDED = "\0"


class Cloud:
    """The environment of a cloud, and its ``synnefo up`` while that runs."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.port = free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("DJANGO_", "SYNNEFO_"))
            },
            "SYNNEFO_DATA": str(data),
            "SYNNEFO_LISTEN": f"127.0.0.1:{self.port}",
            "SYNNEFO_SETTINGS_DIR": str(data / "no-conf"),
            "SYNNEFO_SEED": "none",
            "CYCLADES_LOCAL_NETWORKING": "user",
            **settings,
        }
        self.process: subprocess.Popen[str] | None = None
        self.lines: list[str] = []
        self._queue: queue.Queue[str] = queue.Queue()

    def command(self, *argv: str, timeout_s: float = START_S) -> subprocess.CompletedProcess[str]:
        """Run ``synnefo ...`` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "synnefo.up.cli", *argv],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "synnefo.up.cli", "up"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._queue = queue.Queue()
        threading.Thread(target=self._collect, args=(self.process, self._queue), daemon=True).start()
        self.expect(f"synnefo: ready at {self.url}", whole=True)

    def expect(self, text: str, *, whole: bool = False, timeout_s: float = START_S) -> str:
        """Wait for a line of output that has (or is) the text."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                line = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{text!r} was not said; but:\n" + "\n".join(self.lines[-40:])) from None
            if line == _ENDED:
                raise AssertionError(f"it ended before {text!r} was said:\n" + "\n".join(self.lines[-40:]))
            if line == text if whole else text in line:
                return line

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and give the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(STOP_S)
        self.process = None
        return status

    def close(self) -> None:
        if self.process is not None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S)
            self.process.kill()

    def children(self) -> dict[str, int]:
        """The services' processes by the last word of their command line."""
        assert self.process is not None
        found = {}
        for pid in _children_of(self.process.pid):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            found[words[-1].decode().rpartition(".")[2]] = pid
        return found

    def processes(self) -> list[int]:
        """Every process of this machine that works for this cloud."""
        mark = f"SYNNEFO_DATA={self.data}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found

    def answers(self, path: str = "/readyz") -> bool:
        try:
            return httpx.get(self.url + path, timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    def _collect(self, process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.lines.append(line.rstrip("\n"))
                lines.put(self.lines[-1])
        lines.put(_ENDED)


def wait_for(condition: object, what: str, timeout_s: float = 30.0) -> None:
    """Wait until a callable gives something true."""
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"did not happen: {what}"
        time.sleep(0.05)


def free_ports() -> int:
    """A port that is free now, and the next three as well; below the range of passing connections."""
    while True:
        port = 12000 + secrets.randbelow(18000)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for distance in range(4):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port + distance))
            return port


@contextlib.contextmanager
def database() -> Iterator[dict[str, str]]:
    """Settings for a cloud with an empty database: a file of its own, or one in the tests' PostgreSQL."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield {}
        return
    name = f"up_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            head, _, query = url.partition("?")
            yield {"DATABASE_URL": f"{head.rpartition('/')[0]}/{name}?{query}"}
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _children_of(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
