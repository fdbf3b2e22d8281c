"""The object store in a real web process: chunked bodies, Expect, memory, and what a killed one leaves."""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.up.cloud import free_ports

pytestmark = pytest.mark.host

PREPARE = """
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
user = rules.create(caller, "a@example.org", "A", "B", password="a-long-password-1")
user = rules.accept(caller, rules.verify(caller, user))
print(user.uuid, tokens.create_api_token(caller, user, "tests")[0])
"""


@dataclasses.dataclass
class Server:
    """A web process with a data directory of its own, and a client of it."""

    environment: dict[str, str]
    port: int
    account: str = ""
    token: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "synnefo.up.web"]
        self.process = subprocess.Popen(command, env=self.environment, start_new_session=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if self.request("GET", "/healthz")[0] == 200:
                    return
            except OSError:
                assert self.process.poll() is None
                select_nothing(0.1)
        raise AssertionError("the web process does not answer")

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, bytes]:
        url = path if path.startswith("/") else f"/pithos/object-store/v1/{self.account}/{path}"
        connection = self.connection()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, url, body, {"X-Auth-Token": self.token, **given})
        response = connection.getresponse()
        found = response.status, response.headers, response.read()
        connection.close()
        return found

    def peak_kib(self) -> int:
        """The most memory that any process of the server ever had."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return max(_peak(pid) for pid in [str(self.process.pid), *children])


def _peak(pid: str) -> int:
    (line,) = [
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")
    ]
    return int(line.split()[1])


def select_nothing(seconds: float) -> None:
    """Give the other processes time between two looks."""
    left, right = socket.socketpair()
    with left, right:
        left.settimeout(seconds)
        with pytest.raises(TimeoutError):
            left.recv(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("cloud")
    (data / "secret-key").write_text("only-for-tests")
    port = free_ports()
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {
        "DJANGO_SETTINGS_MODULE": "synnefo.settings", "SYNNEFO_DATA": str(data), "SYNNEFO_WEB_WORKERS": "1",
        "SYNNEFO_LISTEN": f"127.0.0.1:{port}", "SYNNEFO_SERVICES": '["astakos", "cyclades", "pithos"]',
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }  # fmt: skip
    prepared = subprocess.run(
        [sys.executable, "-c", PREPARE], env=environment, check=True, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    made = Server(environment, port, *prepared.stdout.split())
    made.start()
    try:
        assert made.request("PUT", "c")[0] == 201
        yield made
    finally:
        made.kill()


def pieces(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield hashlib.sha256(b"%d" % number).digest() * 8192


def test_a_body_of_unknown_length_comes_back_and_costs_little_memory(server: Server) -> None:
    before = server.peak_kib()
    status, headers, _ = server.request("PUT", "c/chunked", pieces(160), Content_Type="text/plain")
    expected = hashlib.md5(b"".join(pieces(160)), usedforsecurity=False).hexdigest()
    assert (status, headers["ETag"]) == (201, expected)
    status, headers, body = server.request("GET", "c/chunked")
    assert (status, headers["Content-Length"]) == (200, str(160 * 256 * 1024))
    assert hashlib.md5(body, usedforsecurity=False).hexdigest() == expected
    assert server.peak_kib() - before < 64 * 1024
    status, headers, body = server.request("GET", "c/chunked", Range="bytes=4194300-4194310")
    assert (status, body) == (206, b"".join(pieces(20))[4194300:4194311])


def test_head_tells_the_length_without_a_body(server: Server) -> None:
    server.request("PUT", "c/small", b"hello", Content_Type="text/plain")
    status, headers, body = server.request("HEAD", "c/small")
    assert (status, headers["Content-Length"], body) == (200, "5", b"")


def test_a_body_is_asked_for_only_when_it_is_welcome(server: Server) -> None:
    def opening(token: str) -> bytes:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as peer:
            peer.sendall(
                f"PUT /pithos/object-store/v1/{server.account}/c/expected HTTP/1.1\r\nHost: x\r\n"
                f"X-Auth-Token: {token}\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
                "Expect: 100-continue\r\n\r\n".encode()
            )
            first = peer.recv(65536)
            if b"100 Continue" in first:
                peer.sendall(b"hello")
                return first + peer.recv(65536)
            return first

    assert opening("nonsense").startswith(b"HTTP/1.1 401")
    answer = opening(server.token)
    assert answer.startswith(b"HTTP/1.1 100")
    assert b"HTTP/1.1 201" in answer


def test_a_process_that_is_killed_during_an_upload_leaves_the_old_object(server: Server) -> None:
    server.request("PUT", "c/o", b"old", Content_Type="text/plain")
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as peer:
        peer.sendall(
            f"PUT /pithos/object-store/v1/{server.account}/c/o HTTP/1.1\r\nHost: x\r\n"
            f"X-Auth-Token: {server.token}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {40 * 256 * 1024}\r\n\r\n".encode()
        )
        for piece in pieces(30):
            peer.sendall(piece)
        server.kill()
    server.start()
    assert server.request("GET", "c/o")[2] == b"old"
    assert server.request("PUT", "c/o", b"new", Content_Type="text/plain")[0] == 201
    assert server.request("GET", "c/o")[2] == b"new"
    assert server.request("HEAD", "c")[1]["X-Container-Object-Count"] == "4"
