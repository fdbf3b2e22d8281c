"""Real servers for these tests, each an own process on an own port, in a directory that goes away."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cloud import wait_until

START_S = 60
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def program(name: str) -> str:
    """Where a program is that these tests need; they fail without it."""
    path = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), _SBIN)))
    assert path is not None, f"{name} is not installed: scripts/setup.sh installs it"
    return path


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(
    command: list[str], log: Path, is_ready: Callable[[], bool], env: dict[str, str] | None = None
) -> Iterator[None]:
    """The process, once it answers; ended at the end of the block."""
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=env)
    try:
        wait_until(
            f"{command[0]} answers",
            lambda: is_ready() or _failed_at_once(process, log),
            START_S,
            every_s=0.05,
        )
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def listens(port: int, address: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def _failed_at_once(process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"{process.args!r} ended: {log.read_text(errors='replace')[-2000:]}")
    return False
