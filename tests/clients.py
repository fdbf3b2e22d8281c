"""The unmodified ``openstack`` and ``swift`` command lines without their start: ``python -m tests.clients``.

What it imports takes longer than what most commands do. One process imports it; every command is then a fork
of that one, with arguments and environment of its own, as fresh as if it had been started.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

#: What the commands of these tests import late.
_LATE = (
    "keystoneauth1.identity.generic", "keystoneauth1.loading._plugins.identity.generic",
    "openstack.config.loader", "openstack.connection", "openstackclient.compute.client",
    "openstackclient.identity.client", "openstackclient.image.client", "openstackclient.network.client",
    "openstackclient.volume.client", "openstackclient.object.client", "openstackclient.common.clientmanager",
    "openstackclient.compute.v2.server", "openstackclient.identity.v3.token", "cliff.formatters.json_format",
    "openstackclient.object.v1.container", "openstackclient.object.v1.object", "swiftclient.service",
)  # fmt: skip


class Clients:
    """Runs commands one after the other, from where ``prefix`` leads (``nsenter ...``)."""

    def __init__(self, prefix: Sequence[str], environment: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.clients"], env=dict(environment), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parent.parent,
        )  # fmt: skip

    def run(
        self, program: str, arguments: Sequence[str], environment: Mapping[str, str], timeout_s: float,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Run one command of a program of these. Its code is 124 where it took too long."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock, tempfile.TemporaryDirectory(prefix="synnefo-client-") as place:
            wish = {"arguments": arguments, "environment": dict(environment), "place": place}
            more = {"program": program, "timeout_s": timeout_s, "cwd": str(cwd or Path.cwd())}
            self._process.stdin.write(json.dumps({**wish, **more}) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            said, warned = (Path(place, name).read_text() for name in ("out", "err"))
        return subprocess.CompletedProcess([program, *arguments], code, said, warned)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def main() -> None:
    for name in ("openstackclient.shell", "swiftclient.shell", *_LATE):
        with contextlib.suppress(ImportError):  # only a command that needs it is slower then
            importlib.import_module(name)
    for line in sys.stdin:
        wish = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(wish)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256, flush=True)


def _openstack(arguments: list[str]) -> int:
    from openstackclient import shell

    return shell.main(arguments)


def _swift(arguments: list[str]) -> int:
    from swiftclient import shell

    return shell.main(["swift", *arguments]) or 0


_PROGRAMS = {"openstack": _openstack, "swift": _swift}


def _become(wish: dict) -> NoReturn:
    """Be the command: its files, its environment, its time; never come back."""
    import signal

    signal.signal(signal.SIGALRM, lambda *_: os._exit(124))
    signal.setitimer(signal.ITIMER_REAL, wish["timeout_s"])
    os.environ.clear()
    os.environ.update(wish["environment"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(Path(wish["place"], name), os.O_WRONLY | os.O_CREAT, 0o600), number)
    os.chdir(wish["cwd"])
    code = 1
    try:
        code = _PROGRAMS[wish["program"]](wish["arguments"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


if __name__ == "__main__":
    main()
