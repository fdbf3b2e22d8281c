"""Two machines for tests: this one, and a network namespace that a cable joins to it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.up.cloud import free_ports, wait_for

ROOT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Machine:
    """``inside``: what is put before a command to run it there."""

    address: str
    inside: tuple[str, ...] = ()


@contextlib.contextmanager
def two_machines() -> Iterator[tuple[Machine, Machine]]:
    """This machine and another one, which has neither loopback's nor anybody else's addresses of this one."""
    name = f"apart-{secrets.token_hex(3)}"
    net = f"10.254.{secrets.randbelow(250) + 1}"
    here, there = f"{name}h"[-15:], f"{name}t"[-15:]
    try:
        _ip("netns", "add", name)
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        _ip("address", "add", f"{net}.1/30", "dev", here)
        _ip("link", "set", here, "up")
        _ip("-n", name, "address", "add", f"{net}.2/30", "dev", there)
        _ip("-n", name, "link", "set", there, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield Machine(f"{net}.1"), Machine(f"{net}.2", ("ip", "netns", "exec", name))
    finally:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=30, check=False)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


class Part:
    """What one service has on its machine: data, settings, processes."""

    def __init__(self, machine: Machine, data: Path, service: str, **settings: str) -> None:
        self.machine = machine
        self.port = free_ports()
        self.url = f"http://{machine.address}:{self.port}"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DJANGO_", "SYNNEFO_", "DATABASE_"))
        }
        self.environment = {
            **inherited,
            "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "synnefo.settings",
            "SYNNEFO_DATA": str(data), "SYNNEFO_SETTINGS_DIR": str(data / "no-conf"),
            "SYNNEFO_LISTEN": f"{machine.address}:{self.port}", "SYNNEFO_SERVICES": f'["{service}"]',
            "SYNNEFO_WEB_SERVES": '["pages"]', "CYCLADES_LOCAL_NETWORKING": "user", **settings,
        }  # fmt: skip
        data.mkdir()
        (data / "secret-key").write_text(f"only-for-tests-of-{service}")
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, script: str) -> str:
        """Run Python there, with Django set up; returns what it printed."""
        command = [*self.machine.inside, sys.executable, "-c", f"import django; django.setup()\n{script}"]
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, module: str) -> None:
        command = [*self.machine.inside, sys.executable, "-m", module]
        self._processes[module] = subprocess.Popen(
            command, env=self.environment, cwd=ROOT, start_new_session=True
        )

    def start_web(self) -> None:
        self.start("synnefo.up.web")
        wait_for(self._answers, f"{self.url} answers", timeout_s=60)

    def kill(self, module: str) -> None:
        process = self._processes.pop(module)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        for module in list(self._processes):
            self.kill(module)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=10).status_code == 200
        except httpx.TransportError:
            return False
