"""An import that is killed goes on where it stopped, and ends as one that was not; it stays small."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import database
from tests.legacy import old

ROOT = Path(__file__).resolve().parents[2]
_MANAGE = [sys.executable, "-m", "synnefo.webproject.manage"]
#: Rows of the log of commissions that are added to the small database.
_MORE = 2_500
_KILLS = 3

_WITH_MORE = """
INSERT INTO quotaholder_app_provisionlog (serial, issue_time, log_time, holder, resource, "limit", usage_min,
    usage_max, delta_quantity, reason)
SELECT 100 + n, '2014-11-20T22:44:45.4221', '2014-11-20T22:44:46.42',
    'project:11111111-0000-4000-8000-000000000002', 'pithos.diskspace', 5000, 60, 60, 1, 'ACCEPT:'
FROM generate_series(1, {rows}) AS n
"""


class Cloud:
    """A cloud without processes: a database of its own, and commands."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "synnefo.settings", **environ}
        if self._environ["DATABASE_URL"] or not database.put(self._file):
            self.run("migrate", "-v0")

    @property
    def _file(self) -> Path:
        return Path(self._environ["SYNNEFO_DATA"]) / "synnefo.db"

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*_MANAGE, *command], cwd=ROOT, env=self._environ, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *command: str) -> str:
        with self.start(*command) as process:
            told, _ = process.communicate(timeout=120)
        assert process.returncode == 0, told
        return told

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if url := self._environ["DATABASE_URL"]:
            return old.rows(url, sql)
        with contextlib.closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)) as connection:
            return list(connection.execute(sql))


@contextlib.contextmanager
def a_cloud(directory: Path) -> Iterator[Cloud]:
    directory.mkdir()
    (directory / "secret-key").write_text(secrets.token_hex(32))
    environ = {"SYNNEFO_DATA": str(directory), "SYNNEFO_SETTINGS_DIR": str(directory / "no-conf")}
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield Cloud({**environ, "DATABASE_URL": ""})
        return
    name = f"legacy_into_{secrets.token_hex(4)}"
    head, _, query = url.partition("?")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield Cloud({**environ, "DATABASE_URL": f"{head.rpartition('/')[0]}/{name}?{query}"})
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def url(old_server: old.Server) -> str:
    made = old_server.small()
    old.change(made, _WITH_MORE.format(rows=_MORE))
    return made


#: Counts and sums that differ as soon as a row is missing, or there twice.
_SUMS = (
    "SELECT (SELECT count(*) FROM astakos_user), (SELECT count(*) FROM astakos_token),"
    " (SELECT count(*) FROM astakos_authmethod), (SELECT count(*) FROM astakos_endpoint),"
    " (SELECT count(*) FROM astakos_projectlimit), (SELECT count(*) FROM astakos_membershiplog),"
    " (SELECT count(*) FROM astakos_holding), (SELECT sum(usage_max) FROM astakos_holding),"
    " (SELECT count(*) FROM astakos_provisionlog), (SELECT sum(serial) FROM astakos_provisionlog),"
    " (SELECT sum(quantity) FROM astakos_provisionlog)"
)

#: More history of an object that is recorded.
_WITH_HISTORY = """
INSERT INTO versions (serial, node, hash, size, type, mtime, muser, uuid, checksum, cluster, available,
    mapfile, is_snapshot)
SELECT 1000 + n, node, hash, size, type, mtime, muser, uuid, checksum, 1, available, mapfile, is_snapshot
FROM versions, generate_series(1, {rows}) AS n WHERE serial = 20
"""
_SUMS_OF_OBJECTS = (
    "SELECT (SELECT count(*) FROM pithos_account), (SELECT count(*) FROM pithos_groupmember),"
    " (SELECT sum(size_bytes) FROM pithos_container), (SELECT count(*) FROM pithos_object),"
    " (SELECT count(*) FROM pithos_version), (SELECT sum(id) FROM pithos_version),"
    " (SELECT sum(size_bytes) FROM pithos_version), (SELECT count(*) FROM pithos_hashmap),"
    " (SELECT count(*) FROM pithos_knownblock), (SELECT count(*) FROM pithos_share),"
    " (SELECT count(*) FROM pithos_publiclink)"
)
#: More servers, like one that is recorded.
_WITH_SERVERS = """
INSERT INTO db_virtualmachine (id, name, userid, project, shared_to_project, backend_hash, created, updated,
    imageid, image_version, hostid, deleted, suspended, helper, operstate, buildpercentage, backendtime,
    backend_id, flavor_id, key_names, rescue)
SELECT 1000 + n, 'n' || n, userid, project, shared_to_project, backend_hash, created, updated, imageid,
    image_version, hostid, deleted, suspended, helper, operstate, buildpercentage, backendtime, backend_id,
    flavor_id, key_names, rescue
FROM db_virtualmachine, generate_series(1, {rows}) AS n WHERE id = 5
"""
_SUMS_OF_MACHINES = (
    "SELECT (SELECT count(*) FROM cyclades_backend), (SELECT count(*) FROM cyclades_flavor),"
    " (SELECT sum(id) FROM cyclades_network), (SELECT count(*) FROM cyclades_pooluse),"
    " (SELECT count(*) FROM cyclades_server), (SELECT sum(id) FROM cyclades_server),"
    " (SELECT count(*) FROM cyclades_servermetadata), (SELECT count(*) FROM cyclades_servertag),"
    " (SELECT sum(id) FROM cyclades_port), (SELECT sum(number) FROM cyclades_ipaddress),"
    " (SELECT count(*) FROM cyclades_ipaddresshistory), (SELECT sum(size_gib) FROM cyclades_volume),"
    " (SELECT count(*) FROM engine_commission)"
)


def test_an_import_that_is_killed_goes_on(url: str, tmp_path: Path) -> None:
    command = ("legacy-import", "--astakos-db", url)
    _goes_on(tmp_path, command, "astakos_legacyimport", _SUMS, _MORE)


@pytest.mark.skipif(not old.recorded(), reason="by design: the recorded database is not beside this clone")
def test_an_import_of_objects_that_is_killed_goes_on(old_server: old.Server, tmp_path: Path) -> None:
    url, store = old_server.recorded_objects(), old.unpack_store(tmp_path / "store")
    old.change(url, _WITH_HISTORY.format(rows=_MORE // 5))
    command = ("legacy-import", "--pithos-db", url, "--pithos-blocks", str(store))
    _goes_on(tmp_path, command, "pithos_legacyimport", _SUMS_OF_OBJECTS, _MORE // 5)


@pytest.mark.skipif(not old.recorded(), reason="by design: the recorded database is not beside this clone")
def test_an_import_of_machines_that_is_killed_goes_on(old_server: old.Server, tmp_path: Path) -> None:
    url = old_server.recorded()
    old.change(url, _WITH_SERVERS.format(rows=_MORE))
    command = ("legacy-import", "--cyclades-db", url, "--secret-encryption-key", "legacy-encryption-key")
    _goes_on(tmp_path, command, "cyclades_legacyimport", _SUMS_OF_MACHINES, _MORE)


def _goes_on(tmp_path: Path, command: tuple[str, ...], progress: str, sums: str, most: int) -> None:
    with a_cloud(tmp_path / "undisturbed") as cloud:
        cloud.run(*command)
        expected = cloud.rows(sums)
    with a_cloud(tmp_path / "killed") as cloud:
        seen = [
            _killed_after(cloud, command, progress, 1 + kill * most // (2 * _KILLS)) for kill in range(_KILLS)
        ]
        assert seen == sorted(set(seen)), "each went on from where the one before had come"
        assert seen[-1] < most
        assert "All is here." in cloud.run(*command)
        assert cloud.rows(sums) == expected
        assert "nothing was changed" in cloud.run(*command)


def test_an_import_needs_no_more_memory_for_more_rows(url: str, tmp_path: Path) -> None:
    with a_cloud(tmp_path / "cloud") as cloud:
        few = cloud.start("legacy-import", "--astakos-db", url, "--dry-run")
        small = _peak_kib(few)
        old.change(url, _WITH_MORE.format(rows=20 * _MORE))
        large = _peak_kib(cloud.start("legacy-import", "--astakos-db", url, "--dry-run"))
    assert large < small + 16 * 1024


def _killed_after(cloud: Cloud, command: tuple[str, ...], progress: str, rows: int) -> int:
    """Kill an import when it has written so many rows; how many are there then."""
    deadline = time.monotonic() + 60
    with cloud.start(*command) as process:
        while _written(cloud, progress) < rows:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
        process.kill()
        assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
    return _written(cloud, progress)


def _written(cloud: Cloud, progress: str) -> int:
    """Old rows that have come, of all steps."""
    [[rows]] = cloud.rows(f"SELECT coalesce(sum(rows), 0) FROM {progress}")
    return int(rows)


def _peak_kib(process: subprocess.Popen[str]) -> int:
    """The most memory that a process had; it ends well."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    with process:
        assert process.returncode == 0
    return usage.ru_maxrss
