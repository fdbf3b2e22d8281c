"""What all figures share: a cloud's web process alone, HTTP, statistics, and how a figure is told.

``DATABASE_URL`` in the environment chooses the database, as it does for the product; without it SQLite.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import http.client
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.cloud import ROOT, tiny_disk, wait_until

PORTS = range(18480, 18580)
START_TIMEOUT_S = 120.0
IDLE_S = 5.0
#: What others did on this machine in the minute before; figures of a busy machine are worth little.
LOAD_BEFORE = round(os.getloadavg()[0], 1)


@dataclasses.dataclass(frozen=True)
class Figure:
    """One result. ``aim`` is a bound on ``value``: at least for rates and multiples, at most for all else."""

    name: str
    value: float
    unit: str
    aim: float | None = None
    more: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        if self.aim is None:
            return None
        return self.value >= self.aim if self.unit.endswith(("/s", "times")) else self.value <= self.aim


def tell(figure: Figure) -> None:
    """Print a figure for people, then the same as one JSON line for programs."""
    verdict = {None: "", True: "  (aim met)", False: "  (AIM MISSED)"}[figure.met]
    aim = "" if figure.aim is None else f"  aim {figure.aim:g} {figure.unit}"
    print(f"{figure.name} on {database()}: {figure.value:g} {figure.unit}{aim}{verdict}")
    print(json.dumps({**dataclasses.asdict(figure), "met": figure.met, **surroundings()}), flush=True)


def surroundings() -> dict[str, Any]:
    """Where and when: a figure means nothing without."""
    return {
        "database": database(),
        "at": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "cpus": os.cpu_count(),
        "cpu": _cpu_name(),
        "python": platform.python_version(),
        "load_before": LOAD_BEFORE,
    }


def database() -> str:
    return "PostgreSQL" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "SQLite"


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that this many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


@dataclasses.dataclass(frozen=True)
class Web:
    """The product's web process, serving on this machine at ``place`` (HOST:PORT)."""

    place: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://{self.place}"


@contextlib.contextmanager
def web_alone(serves: str = "") -> Iterator[Web]:
    """A new cloud without its dispatcher: set up, Django ready in this process, the web process serving.

    With ``serves`` it is the process group that ``synnefo up`` runs for that alone (``objects``).
    """
    with tempfile.TemporaryDirectory(prefix="synnefo-bench-") as home:
        data = Path(home) / "var"
        os.environ.update(_environment(data))
        subprocess.run([sys.executable, "-m", "synnefo.up.setup"], cwd=ROOT, check=True, stdout=sys.stderr)
        _set_django_up()
        with serving(Path(home) / "web.log", serves) as web:
            yield web


@contextlib.contextmanager
def serving(log: Path, serves: str) -> Iterator[Web]:
    """One more process of the cloud that was set up, which serves what it is told."""
    place = os.environ["PITHOS_LISTEN" if serves == "objects" else "SYNNEFO_LISTEN"]
    command = [sys.executable, "-m", "synnefo.up.web", *([serves] if serves else [])]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    web = Web(place, process, log)
    try:
        wait_until("the web process", lambda: _serves(web), START_TIMEOUT_S)
        yield web
    finally:
        process.terminate()
        process.wait(30)


class Client:
    """One connection, kept open between calls that follow each other, as a program would use it."""

    def __init__(self, place: str, token: str = "") -> None:
        self._connection = http.client.HTTPConnection(place, timeout=60)
        self.headers = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {})}
        self.answered: http.client.HTTPMessage = http.client.HTTPMessage()
        self._used = time.monotonic()

    def call(self, method: str, path: str, body: object = None) -> tuple[float, Any]:
        """Seconds from the request to the last byte of the answer, and its JSON. Fails unless it is a 2xx.

        The headers of the answer are in ``answered``.
        """
        data = None if body is None else json.dumps(body)
        if time.monotonic() - self._used > IDLE_S:
            self._connection.close()  # the next request opens it again
        started = time.perf_counter()
        self._connection.request(method, path, data, self.headers)
        response = self._connection.getresponse()
        text = response.read()
        took_s = time.perf_counter() - started
        assert 200 <= response.status < 300, f"{method} {path}: {response.status} {text[:500]!r}"
        self.answered, self._used = response.headers, time.monotonic()
        return took_s, json.loads(text) if text else None


def free_place(but: str = "") -> str:
    """HOST:PORT where nobody listens. Granian would share a port with a stranger, and his answers."""
    return next(place for place in free_places() if place != but)


def free_places() -> Iterator[str]:
    """One after the other."""
    for port in PORTS:
        with socket.socket() as probe:
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        if not taken:
            yield f"127.0.0.1:{port}"
    raise AssertionError(f"all ports of {PORTS} are taken")


def _environment(data: Path) -> dict[str, str]:
    place = free_place()
    return {
        "DJANGO_SETTINGS_MODULE": "synnefo.settings",
        "SYNNEFO_DATA": str(data),
        "SYNNEFO_SETTINGS_DIR": str(data.parent / "conf"),
        "SYNNEFO_LISTEN": place,
        "PITHOS_LISTEN": free_place(but=place),
        "SYNNEFO_SAMPLE_IMAGE": str(tiny_disk()),
    }


def _set_django_up() -> None:
    import django

    django.setup()


def _serves(web: Web) -> bool:
    assert web.process.poll() is None, web.log.read_text()
    with contextlib.suppress(OSError, AssertionError):
        Client(web.place).call("GET", "/readyz")
        return True
    return False


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
