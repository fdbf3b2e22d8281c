"""The cloud that is hurt: its API by plain requests, its database by plain SQL, its dispatcher by signals."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

from tests.cloud import BIN, ROOT, Cloud, run, running_cloud, wait_until

LEASE_S = 3


@dataclasses.dataclass
class Victim:
    """One user's server, and what may be done to it and to those who serve him."""

    cloud: Cloud
    token: str = ""
    image: str = ""
    flavor: str = ""
    network: str = ""

    # -- the API ----------------------------------------------------------------------------------
    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Status and JSON of a request, from inside the cloud's machine."""
        command = [
            "curl",
            "-s",
            "-m",
            "30",
            "-X",
            method,
            "-H",
            f"X-Auth-Token: {self.token}",
            "-w",
            "\n%{http_code}",
        ]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        printed = run(*self.cloud.machine.inside(*command, self.cloud.url + path))
        text, _, status = printed.rpartition("\n")
        assert status.startswith("2"), f"{method} {path}: {status} {text}"
        return json.loads(text) if text.strip() else None

    def sign_in(self) -> None:
        login = self.cloud.login()
        self.token = self.cloud.openstack("token", "issue", user=login)["id"]
        self.image = self.call("GET", "/cyclades/openstack/image/v2/images?name=tiny")["images"][0]["id"]
        flavors = self.call("GET", "/cyclades/openstack/compute/v2.1/flavors/detail")["flavors"]
        self.flavor = min(flavors, key=lambda row: row["ram"])["id"]
        networks = self.call("GET", "/cyclades/openstack/network/v2.0/networks?name=default-net")["networks"]
        self.network = networks[0]["id"]

    def create(self) -> str:
        wish = {
            "name": "vm",
            "imageRef": self.image,
            "flavorRef": self.flavor,
            "networks": [{"uuid": self.network}],
        }
        found: str = self.call("POST", "/cyclades/openstack/compute/v2.1/servers", {"server": wish})[
            "server"
        ]["id"]
        return found

    def act(self, server: str, action: dict[str, Any]) -> None:
        self.call("POST", f"/cyclades/openstack/compute/v2.1/servers/{server}/action", action)

    def delete(self, server: str) -> None:
        self.call("DELETE", f"/cyclades/openstack/compute/v2.1/servers/{server}")

    def status(self, server: str) -> str:
        return str(self.call("GET", f"/cyclades/openstack/compute/v2.1/servers/{server}")["server"]["status"])

    def wait_for_status(self, server: str, status: str, timeout_s: float = 90) -> None:
        wait_until(f"{server} {status}", lambda: self.status(server) == status, timeout_s)

    # -- the database -----------------------------------------------------------------------------
    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if url := os.environ.get("DATABASE_URL"):
            import psycopg

            with psycopg.connect(url) as connection:
                return list(connection.execute(sql))  # type: ignore[arg-type]
        with contextlib.closing(sqlite3.connect(self.cloud.data / "synnefo.db", timeout=20)) as connection:
            return list(connection.execute(sql))

    def wait_until_idle(self, timeout_s: float = 180) -> None:
        active = "select kind, step, error from engine_operation where state in ('doing', 'undoing')"
        wait_until("no active operation", lambda: not self.rows(active), timeout_s)

    def check_books(self) -> None:
        """No pending charge, no undecided commission; usage is that of the servers there are."""
        assert self.rows("select count(*) from astakos_commission") == [(0,)]
        assert self.rows("select count(*) from engine_commission where accept is null") == [(0,)]
        apart = "select count(*) from astakos_holding where usage_min <> usage_max"
        assert self.rows(apart) == [(0,)]
        servers = self.rows("select count(*) from cyclades_server where not deleted")[0][0]
        running = self.rows(
            "select count(*) from cyclades_server where not deleted and operstate <> 'STOPPED'"
        )[0][0]
        pools = (
            "select resource, max(usage_max) from astakos_holding where holder like 'project:%' group by 1"
        )
        held = dict(self.rows(pools))
        assert held["cyclades.vm"] == servers
        assert held["cyclades.cpu"] == running

    # -- the dispatcher ---------------------------------------------------------------------------
    def dispatcher(self) -> int:
        return self.cloud.pid_of("synnefo.webproject.dispatcher")

    def stop_outside_a_transaction(self, pid: int) -> None:
        """SIGSTOP at a moment when the process holds no lock of the database.

        One that is stopped inside a transaction holds SQLite's only write lock until it is continued or
        killed; PostgreSQL ends such a session after ``idle_in_transaction_session_timeout``.
        """

        def stopped() -> bool:
            os.kill(pid, signal.SIGSTOP)
            if self._can_write():
                return True
            os.kill(pid, signal.SIGCONT)
            return False

        wait_until("a moment without a transaction", stopped, 30, every_s=0.02)

    def _can_write(self) -> bool:
        if "DATABASE_URL" in os.environ:
            return True
        database = sqlite3.connect(self.cloud.data / "synnefo.db", timeout=0.1, isolation_level=None)
        with contextlib.closing(database), contextlib.suppress(sqlite3.OperationalError):
            database.execute("begin immediate")
            database.execute("rollback")
            return True
        return False

    def kill_at(self, kind: str, step: str, timeout_s: float = 30) -> Killer:
        """SIGKILL the dispatcher as soon as an operation is seen at a step."""
        return Killer(self, kind, step, timeout_s)

    @contextlib.contextmanager
    def second_dispatcher(self) -> Iterator[subprocess.Popen[bytes]]:
        command = self.cloud.machine.inside(str(BIN / "python"), "-m", "synnefo.webproject.dispatcher")
        process = subprocess.Popen(command, env=self.cloud.environment(), cwd=ROOT)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


class Killer(threading.Thread):
    def __init__(self, victim: Victim, kind: str, step: str, timeout_s: float) -> None:
        super().__init__(daemon=True)
        self.victim, self.kind, self.step, self.timeout_s = victim, kind, step, timeout_s
        self.killed = False
        self.prey = victim.dispatcher()

    def __enter__(self) -> Killer:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.join()

    def run(self) -> None:
        here = (
            f"select 1 from engine_operation where kind = '{self.kind}' and step = '{self.step}' "
            "and state in ('doing', 'undoing') and lease_until is not null"
        )
        end = time.monotonic() + self.timeout_s
        while time.monotonic() < end:
            if self.victim.rows(here):
                os.kill(self.prey, signal.SIGKILL)
                self.killed = True
                return


@contextlib.contextmanager
def victim_cloud() -> Iterator[Victim]:
    with running_cloud("crash", SYNNEFO_LEASE_S=str(LEASE_S)) as cloud:
        victim = Victim(cloud)
        victim.sign_in()
        yield victim
