"""Web processes for tests: a prepared cloud, and groups of processes that serve a part of it."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import functools
import hashlib
import http.client
import os
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.up.cloud import free_ports

#: The file of a cloud's database, where it is one.
DATABASE = "synnefo.db"
ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a-long-password-1"
KIB, MIB = 1024, 1024 * 1024
BLOCK = 4 * MIB

PREPARE = f"""
import django; django.setup()
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
call_command("createcachetable", verbosity=0)
from synnefo.astakos.accounts import rules, tokens
from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.catalog.standard import register_standard
from synnefo.common.caller import system_caller
caller = system_caller("tests")
register_standard()
Resource.objects.update(system_default=2**40)
user = rules.create(caller, "a@example.org", "A", "B", password="{PASSWORD}")
user = rules.accept(caller, rules.verify(caller, user))
print(user.uuid, tokens.create_api_token(caller, user, "tests")[0])
"""

GRANIAN = (sys.executable, "-m", "synnefo.up.web")
GUNICORN = (sys.executable, "-m", "gunicorn", "synnefo.webproject.wsgi:application", "--worker-class=gthread")


@dataclasses.dataclass
class Cloud:
    """Data, settings, ports, and one user with a token; no process runs yet."""

    data: Path
    port: int
    environment: dict[str, str]
    account: str = ""
    token: str = ""

    @property
    def blocks(self) -> Path:
        return Path(self.environment["PITHOS_BACKEND_BLOCK_PATH"]) / "blocks"

    def elsewhere(self, **settings: str) -> Cloud:
        """The same on other ports, with other settings."""
        port = free_ports()
        return dataclasses.replace(
            self, port=port, environment={**self.environment, **_addresses(port), **settings}
        )

    def group(self, kind: str, serves: str) -> Group:
        """Processes that serve ``pages`` or ``objects``, under ``granian`` or ``gunicorn``."""
        port = self.port if serves == "pages" else self.port + 2
        if kind == "granian":
            return Group(self, port, (*GRANIAN, serves), {})
        threads = 16 if serves == "pages" else 128
        shape = ("--workers=2", f"--threads={threads}", f"--bind=127.0.0.1:{port}", "--log-level=warning")
        return Group(self, port, (*GUNICORN, *shape), {"SYNNEFO_WEB_SERVES": f'["{serves}"]'})


def prepared(data: Path, **settings: str) -> Cloud:
    """A cloud of its own. A database in a file is a copy of the first one of the run."""
    data.mkdir(exist_ok=True)
    port = free_ports()
    environment = {**_environment(data), **_addresses(port), **settings}
    if "DATABASE_URL" in settings:
        account, token = _prepare(data, environment)
    else:
        first, account, token = _first()
        (data / "secret-key").write_bytes((first / "secret-key").read_bytes())
        with (
            contextlib.closing(sqlite3.connect(first / DATABASE)) as source,
            contextlib.closing(sqlite3.connect(data / DATABASE)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode = wal")
    return Cloud(data, port, environment, account, token)


@functools.cache
def _first() -> tuple[Path, str, str]:
    """Where a prepared database lies that nothing uses, with its user and the user's token."""
    data = Path(tempfile.mkdtemp(prefix="synnefo-prepared-"))
    atexit.register(shutil.rmtree, data, ignore_errors=True)
    return data, *_prepare(data, {**_environment(data), **_addresses(free_ports())})


def _environment(data: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
    return inherited | {
        "DJANGO_SETTINGS_MODULE": "synnefo.settings", "SYNNEFO_DATA": str(data), "PYTHONPATH": str(ROOT),
        "SYNNEFO_SETTINGS_DIR": str(data / "no-conf"), "PITHOS_BACKEND_BLOCK_PATH": str(data / "pithos"),
    }  # fmt: skip


def _prepare(data: Path, environment: dict[str, str]) -> tuple[str, str]:
    """Fill an empty database; returns the user's account and token."""
    (data / "secret-key").write_text("only-for-tests")
    done = subprocess.run(
        [sys.executable, "-c", PREPARE], env=environment, check=True, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    account, token = done.stdout.split()
    return account, token


def _addresses(port: int) -> dict[str, str]:
    return {"SYNNEFO_LISTEN": f"127.0.0.1:{port}", "PITHOS_LISTEN": f"127.0.0.1:{port + 2}"}


@dataclasses.dataclass
class Group:
    """The processes of one web server, and a client of it."""

    cloud: Cloud
    port: int
    command: tuple[str, ...]
    settings: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Group:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        environment = {**self.cloud.environment, **self.settings}
        self.process = subprocess.Popen(self.command, env=environment, start_new_session=True, cwd=ROOT)
        try:
            wait_for(self._answers, "the web process answers", timeout_s=60)
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """All processes at once, as a power cut would."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            wait_for(lambda: not members(self.process), "the processes are gone")

    def connection(self, timeout_s: float = 120) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)

    def request(
        self, method: str, path: str, body: Any = None, timeout_s: float = 120, **headers: str
    ) -> tuple[int, Any, bytes]:
        """``path`` is below the account, or absolute; ``X_Object_Meta_A="b"`` are headers."""
        url = path if path.startswith("/") else self.url(path)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self.connection(timeout_s)
        try:
            connection.request(method, url, body, {"X-Auth-Token": self.cloud.token, **given})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def put(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any, bytes]:
        return self.request("PUT", path, body, Content_Type="text/plain", **headers)

    def url(self, path: str) -> str:
        return f"/pithos/object-store/v1/{self.cloud.account}/{path}"

    def opened(self, path: str, *headers: str, token: str = "") -> socket.socket:
        """A connection on which the head of a PUT was sent, and nothing of its body."""
        peer = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        lines = (
            f"PUT {self.url(path)} HTTP/1.1", "Host: x", f"X-Auth-Token: {token or self.cloud.token}",
            "Content-Type: text/plain", *headers,
        )  # fmt: skip
        peer.sendall("\r\n".join((*lines, "", "")).encode())
        return peer

    def memory_bytes(self) -> int:
        """What all processes have at most had since ``forget_peaks``, each at its worst."""
        return sum(_peak_kib(pid) for pid in members(self.process)) * KIB

    def forget_peaks(self) -> None:
        for pid in members(self.process):
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "the web process ended"
        try:
            return self.request("GET", "/healthz")[0] == 200
        except OSError:
            return False


def members(process: subprocess.Popen[bytes] | None) -> list[int]:
    """The processes of a group, by the session that its first one began."""
    assert process is not None
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:  # it ended just now
                continue
            if int(session) == process.pid and state != "Z":
                found.append(int(entry.name))
    return found


def _peak_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def wait_for(condition: Callable[[], object], what: str, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"did not happen: {what}"
        select.select([], [], [], 0.05)


def block(number: int) -> bytes:
    """A block's worth of content, another for each number."""
    return hashlib.sha256(b"%d" % number).digest() * (BLOCK // 32)


def pieces(size_bytes: int, *, distinct: int = 8, piece_bytes: int = MIB) -> Iterator[bytes]:
    """Content of any length out of a few blocks that take turns; ``piece_bytes`` divides a block."""
    known = [block(number) for number in range(distinct)]
    for offset in range(0, size_bytes, piece_bytes):
        number, start = divmod(offset, BLOCK)
        yield known[number % distinct][start : start + min(piece_bytes, size_bytes - offset)]
