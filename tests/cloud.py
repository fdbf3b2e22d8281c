"""A whole cloud for tests: ``synnefo up`` in a network namespace of its own, and its users' tools.

The namespace stands for a machine: it has a loopback and one neighbour ("the world", 203.0.113.2), so
that nothing of the real host's network is touched and several clouds fit on one machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from synnefo.cyclades.images.build import tiny
from tests.clients import Clients

T = TypeVar("T")
BIN = Path(sys.executable).parent
WORLD_ADDRESS = "203.0.113.2"
SSH_OPTIONS = (
    "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
    "-o", "ConnectTimeout=3", "-o", "BatchMode=yes",
)  # fmt: skip


def wait_until(what: str, check: Callable[[], T | None], timeout_s: float, every_s: float = 0.2) -> T:
    """The first true value of the check; fails with the last one seen."""
    end = time.monotonic() + timeout_s
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout_s} s (last: {found!r})")
        time.sleep(every_s)


class Machine:
    """A namespace that stands for the host of a cloud, with the world beside it."""

    def __init__(self, name: str) -> None:
        self.name, self.world = name, f"{name}w"
        for namespace in (self.name, self.world):
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        run(
            "ip",
            "link",
            "add",
            "out0",
            "netns",
            self.name,
            "type",
            "veth",
            "peer",
            "name",
            "in0",
            "netns",
            self.world,
        )
        run("ip", "-n", self.name, "addr", "add", "203.0.113.1/24", "dev", "out0")
        run("ip", "-n", self.world, "addr", "add", f"{WORLD_ADDRESS}/24", "dev", "in0")
        run("ip", "-n", self.name, "link", "set", "out0", "up")
        run("ip", "-n", self.world, "link", "set", "in0", "up")

    def inside(self, *command: str) -> list[str]:
        return ["nsenter", f"--net=/run/netns/{self.name}", "--", *command]

    def remove(self) -> None:
        for namespace in (self.name, self.world):
            run("ip", "netns", "delete", namespace)


class Cloud:
    """A cloud that is up; ``openstack`` and the rest act as the administrator unless told otherwise."""

    def __init__(self, machine: Machine, data: Path, port: int = 8080, **settings: str) -> None:
        self.machine, self.data, self.port, self.settings = machine, data, port, settings
        self.url = f"http://127.0.0.1:{port}"
        self.output: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self.key = data.parent / "id_ed25519"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))

    @property
    def tag(self) -> str:
        """What marks things of this cloud on its host."""
        return hashlib.sha256(str(self.data.resolve()).encode()).hexdigest()[:5]

    # -- its life -------------------------------------------------------------------------------
    def up(self, timeout_s: float = 300) -> float:
        """Run ``synnefo up`` until it says that it is ready; returns the seconds that took."""
        started = time.monotonic()
        command = self.machine.inside(str(BIN / "python"), "-m", "synnefo.up.cli", "up")
        self.process = subprocess.Popen(
            command,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self.process, ready), daemon=True).start()
        wait_until("synnefo up", lambda: ready.is_set() or self._ended(), timeout_s)
        return time.monotonic() - started

    def interrupt(self) -> None:
        """Ctrl-C, and wait for the end."""
        assert self.process is not None
        os.kill(self._child(), signal.SIGINT)
        assert self.process.wait(60) == 0, self.log()

    def end_clients(self) -> None:
        if "_clients" in vars(self):
            self._clients.close()

    def down(self) -> None:
        done = subprocess.run(
            self.machine.inside(str(BIN / "python"), "-m", "synnefo.up.cli", "down"),
            env=self.environment(), capture_output=True, text=True, timeout=240, check=False, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def environment(self, **more: str) -> dict[str, str]:
        kept = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "DATABASE_URL") if name in os.environ
        }
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "SYNNEFO_DATA": str(self.data),
            "SYNNEFO_LISTEN": f"127.0.0.1:{self.port}",
            "SYNNEFO_SETTINGS_DIR": str(self.data.parent / "conf"),
            "SYNNEFO_SAMPLE_IMAGE": str(tiny_disk()),
            **self.settings,
            **more,
        }

    def log(self) -> str:
        return "".join(self.output[-200:])

    def pid_of(self, command: str) -> int:
        """The process of a service: the one whose command line holds the word; 0 if there is none."""
        found = subprocess.run(
            ["pgrep", "-f", command], capture_output=True, text=True, check=False
        ).stdout.split()
        mine = [int(pid) for pid in found if self._is_mine(int(pid))]
        return mine[0] if mine else 0

    def qemus(self) -> list[int]:
        """QEMU processes of this cloud."""
        found = run("sh", "-c", "pgrep -f '^[^ ]*qemu-system' || true").split()
        return [int(pid) for pid in found if str(self.data) in _traces(int(pid))]

    # -- tools ----------------------------------------------------------------------------------
    def manage(self, *arguments: str) -> str:
        command = self.machine.inside(str(BIN / "python"), "-m", "synnefo.webproject.manage", *arguments)
        done = subprocess.run(
            command,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def login(self) -> dict[str, str]:
        """OS_* variables of the administrator, as a shell reads them from ``admin-openrc``."""
        script = f". {shlex.quote(str(self.data / 'admin-openrc'))} && env"
        printed = run("sh", "-c", script).splitlines()
        return {
            name: value
            for name, _, value in (line.partition("=") for line in printed)
            if name.startswith("OS_")
        }

    def openstack(self, *arguments: str, user: dict[str, str] | None = None, fails: bool = False) -> Any:
        """The unmodified command line; returns its JSON (or its text where it has none)."""
        as_json = (
            () if arguments[-1] in NO_JSON or any(word in NO_JSON for word in arguments) else ("-f", "json")
        )
        environment = {**self.environment(), **(user or self.login())}
        done = self._clients.run("openstack", [*arguments, *as_json], environment, timeout_s=120)
        if fails:
            assert done.returncode != 0, done.stdout
            return done.stderr
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError:
            return done.stdout

    def new_user(self, email: str, password: str = "correct-horse-9") -> dict[str, str]:
        """An accepted user, as OS_* variables."""
        self.manage("user-add", email, "First", "Last", "--password", password)
        self.manage("user-modify", email, "--verify", "--accept")
        admin = self.login()
        names = {"OS_USERNAME": email, "OS_PASSWORD": password}
        unscoped = {name: value for name, value in admin.items() if not name.startswith("OS_PROJECT")}
        return {**unscoped, **names}

    def ssh(self, address: str, command: str, *, user: str = "root", timeout_s: float = 20) -> str:
        """What a command prints in a guest. Raises CalledProcessError."""
        line = ("ssh", *SSH_OPTIONS, "-i", str(self.key), f"{user}@{address}", command)
        return run(*self.machine.inside(*line), timeout_s=timeout_s)

    def wait_for_ssh(self, address: str, timeout_s: float = 120) -> None:
        def answers() -> bool:
            with contextlib.suppress(subprocess.CalledProcessError, subprocess.TimeoutExpired):
                return self.ssh(address, "echo here", timeout_s=8).strip() == "here"
            return False

        wait_until(f"SSH at {address}", answers, timeout_s, every_s=0.5)

    def wait_for_status(self, server: str, status: str, timeout_s: float = 90, **how: Any) -> dict[str, Any]:
        """The server as shown once it has the status; a server in ERROR fails at once."""

        def shown() -> dict[str, Any] | None:
            found: dict[str, Any] = self.openstack("server", "show", server, **how)
            assert found["status"] in (status, *_PASSING), found
            return found if found["status"] == status else None

        return wait_until(f"{server} {status}", shown, timeout_s)

    # -- inner ----------------------------------------------------------------------------------
    @functools.cached_property
    def _clients(self) -> Clients:
        return Clients(self.machine.inside(), self.environment())

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.output.append(line)
            if re.search(r"synnefo: ready at http", line):
                ready.set()

    def _ended(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"synnefo up ended: {self.log()}"
        return False

    def _child(self) -> int:
        """``nsenter`` became the command itself (exec), so this is the supervisor."""
        assert self.process is not None
        return self.process.pid

    def _is_mine(self, pid: int) -> bool:
        with contextlib.suppress(OSError):
            return f"SYNNEFO_DATA={self.data}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        return False


_PASSING = ("BUILD", "REBOOT", "HARD_REBOOT", "ACTIVE", "SHUTOFF", "PAUSED")
NO_JSON = (
    "pause",
    "unpause",
    "delete",
    "add",
    "remove",
    "set",
    "unset",
    "reboot",
    "start",
    "stop",
    "log",
    "issue-nothing",
)
ROOT = Path(__file__).resolve().parent.parent
BUILDER = ROOT / "synnefo/cyclades/images/build"
CACHE = Path("/var/cache/synnefo-tests")


def run(*command: str, timeout_s: float = 60) -> str:
    """What a command prints. Raises CalledProcessError with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout


def _traces(pid: int) -> str:
    """A process' command line and working directory; empty if it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text() + os.readlink(f"/proc/{pid}/cwd")
    return ""


def tiny_disk() -> Path:
    """The small guest image, built once for all tests of a machine: outside of any namespace, by apt."""
    digest = hashlib.sha256()
    for path in sorted(BUILDER.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.read_bytes())
    disk = CACHE / f"tiny-{digest.hexdigest()[:16]}.qcow2"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not disk.exists():
            tiny.build(disk, workdir=CACHE / "work")
    return disk


@contextlib.contextmanager
def running_cloud(name: str, *, port: int = 8080, **settings: str) -> Iterator[Cloud]:
    """A cloud on a machine of its own, taken away with everything at the end."""
    machine = Machine(f"{name}{os.getpid()}")
    home = Path(tempfile.mkdtemp(prefix=f"synnefo-{name}-"))
    cloud = Cloud(machine, home / "var", port, **settings)
    try:
        cloud.up()
        yield cloud
    finally:
        if cloud.process is not None and cloud.process.poll() is None:
            cloud.process.terminate()
            cloud.process.wait(60)
        cloud.down()
        cloud.end_clients()
        machine.remove()
        shutil.rmtree(home, ignore_errors=True)
