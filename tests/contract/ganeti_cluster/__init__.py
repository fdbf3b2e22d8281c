"""A real single-node Ganeti cluster for tests, in namespaces of its own.

Owns its life: ``GanetiCluster`` starts it (``up.sh``, some seconds) and ends it; nothing of it stays on
the machine, even if the test run is killed. Needs root and the Debian packages in ``PACKAGES``.

The cluster's network is a network namespace. A thread that is inside (``with cluster.network():``)
reaches RAPI and the screens of guests; threads and processes that it starts are inside as well.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("ganeti", "ganeti-os-noop", "qemu-system-x86", "openssl", "iproute2", "util-linux")

_NEEDED = ("/usr/sbin/gnt-cluster", "/usr/share/ganeti/os/noop", "/usr/bin/qemu-system-x86_64")
_NODE_ADDRESS, _CLUSTER_ADDRESS = "10.99.0.1", "10.99.0.2"
_UP_TIMEOUT_S = 120
_COMMAND_TIMEOUT_S = 60
_CLONE_NEWNET = 0x40000000

#: An OS definition that writes down what it is told.
RECORDING_OS = "recorder"
_OS_PARAMETERS = ("img_id", "img_format", "img_passwd")
_RECORD = "#!/bin/sh\nenv | grep ^OSP_ > /srv/ganeti/recorded-$INSTANCE_NAME\n"


class GanetiCluster:
    """One running cluster. ``url``, ``ca``, ``username`` and ``password`` are those of its RAPI."""

    node = "node1.ganeti.test"
    url = f"https://{_NODE_ADDRESS}:5080"
    username = "synnefo"

    def __init__(self, directory: Path) -> None:
        require_packages()
        self.password = secrets.token_urlsafe()
        self.ca = directory / "ca.pem"
        self._directory = directory
        self._prepare()
        script = Path(__file__).with_name("up.sh")
        namespaces = ["--pid", "--net", "--uts", "--mount", "--mount-proc", "--fork", "--kill-child"]
        self._errors = (directory / "errors").open("wb")
        self._process = subprocess.Popen(
            ["unshare", *namespaces, "bash", str(script), str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._wait_until_ready()
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        self._init_pid = int(children.read_text().split()[0])

    def close(self) -> None:
        """End it with all its daemons and guests."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(_COMMAND_TIMEOUT_S)
        self._errors.close()

    def run(self, *command: str) -> str:
        """Run a command on the node; its standard output."""
        inside = ["nsenter", f"--target={self._init_pid}", "--pid", "--net", "--uts", "--mount", "--"]
        done = subprocess.run(
            [*inside, *command], check=True, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S
        )
        return done.stdout

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Move the calling thread into the cluster's network, and back."""
        with open("/proc/thread-self/ns/net") as home, open(f"/proc/{self._init_pid}/ns/net") as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def kill_guest(self, name: str) -> None:
        """Let a guest of the fake hypervisor die without Ganeti's doing."""
        self.run("rm", f"/run/ganeti/fake-hypervisor/{name}")

    def recorded(self, name: str) -> dict[str, str]:
        """The parameters that the recording OS was given for an instance, by name."""
        lines = self.run("cat", f"/srv/ganeti/recorded-{name}").splitlines()
        return dict(line.removeprefix("OSP_").split("=", 1) for line in lines)

    # -- inside -----------------------------------------------------------------------------------
    def _prepare(self) -> None:
        hosts = f"127.0.0.1 localhost\n{_NODE_ADDRESS} {self.node}\n{_CLUSTER_ADDRESS} ganeti.test\n"
        (self._directory / "hosts").write_text(hosts)
        (self._directory / "rapi-users").write_text(f"{self.username} {self.password} write\n")
        self._make_certificate()
        system = self._directory / "os" / RECORDING_OS
        system.mkdir(parents=True)
        (system / "ganeti_api_version").write_text("20\n")
        (system / "variants.list").write_text("default\n")
        (system / "parameters.list").write_text("".join(f"{name} -\n" for name in _OS_PARAMETERS))
        for script in ("create", "import", "export", "rename", "verify"):
            (system / script).write_text(_RECORD if script == "create" else "#!/bin/sh\n")
            (system / script).chmod(0o755)

    def _make_certificate(self) -> None:
        key = self._directory / "rapi-key.pem"
        names = ["-subj", "/CN=ganeti.test", "-addext", f"subjectAltName=IP:{_NODE_ADDRESS}"]
        files = ["-keyout", str(key), "-out", str(self.ca)]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files],
            check=True,
            capture_output=True,
            timeout=_COMMAND_TIMEOUT_S,
        )
        (self._directory / "rapi.pem").write_bytes(key.read_bytes() + self.ca.read_bytes())

    def _wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        said, deadline = b"", time.monotonic() + _UP_TIMEOUT_S
        while b"ready" not in said:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0, deadline - time.monotonic()))
            more = os.read(self._process.stdout.fileno(), 4096) if ready else b""
            if not more:
                self._process.kill()
                errors = (self._directory / "errors").read_text()
                raise RuntimeError(f"Ganeti did not start. It said:\n{said.decode()}\n{errors}")
            said += more


def require_packages() -> None:
    """Fail with the command to run where Ganeti is not installed."""
    missing = [path for path in _NEEDED if not Path(path).exists()]
    if missing or not shutil.which("unshare"):
        command = f"apt-get install --no-install-recommends {' '.join(PACKAGES)}"
        raise RuntimeError(f"These tests run a real Ganeti, which is not installed. Run:\n  {command}")
    if os.geteuid() != 0:
        raise RuntimeError("These tests run a real Ganeti in namespaces of its own; run them as root")


def _enter(namespace_fd: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace_fd, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter the network namespace")
