"""Databases of older Synnefos: a PostgreSQL server for them, the recorded one, and a small one of our own.

The recorded one stands beside the project; ``recorded()`` says whether it does.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import secrets
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

_ROOT = Path(__file__).resolve().parents[2]
_RECORDED = _ROOT.parent / "shared/legacy"
_DUMP, _OBJECTS = _RECORDED / "snf_apps.sql.gz", _RECORDED / "snf_pithos.sql.gz"
_FACTS, _STORE = _RECORDED / "facts.json.gz", _RECORDED / "pithos-store.tar.gz"
_SMALL = Path(__file__).parent / "small.sql"


def recorded() -> bool:
    return all(path.exists() for path in (_DUMP, _OBJECTS, _FACTS, _STORE))


def facts() -> dict[str, Any]:
    """What the recorded system was, and what it served."""
    with gzip.open(_FACTS, "rt", encoding="utf-8") as stream:
        found: dict[str, Any] = json.load(stream)
    return found


def unpack_store(directory: Path) -> Path:
    """The recorded block store, in a directory that is made."""
    directory.mkdir()
    with tarfile.open(_STORE) as archive:
        archive.extractall(directory)  # noqa: S202  recorded by us
    return directory


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The address of a PostgreSQL server: that of the tests, or else one that is gone afterwards."""
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        yield os.environ["DATABASE_URL"]
        return
    command = [str(_ROOT / "scripts/with_postgresql.sh"), "sh", "-c", 'echo "$DATABASE_URL"; cat']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url, "PostgreSQL does not start"
            yield url
        finally:
            process.stdin.close()


class Server:
    """Makes databases, each from a template that is filled once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made: list[str] = []
        self._templates: dict[str, str] = {}

    def recorded(self) -> str:
        """A copy of the recorded database; its address."""
        return self._copy("recorded", lambda: _plain(gzip.decompress(_DUMP.read_bytes()).decode()))

    def recorded_objects(self) -> str:
        """A copy of the recorded database of objects; its address."""
        return self._copy("objects", lambda: _plain(gzip.decompress(_OBJECTS.read_bytes()).decode()))

    def small(self) -> str:
        """A copy of the small one, which has what the recorded one lacks."""
        return self._copy("small", lambda: _SMALL.read_text(encoding="utf-8"))

    def empty(self) -> str:
        """A database with nothing in it."""
        name = f"legacy_{secrets.token_hex(4)}"
        self._run(f"CREATE DATABASE {name}")
        self._made.append(name)
        return self._address(name)

    def drop_all(self) -> None:
        for name in self._made:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _copy(self, kind: str, text: Any) -> str:
        if kind not in self._templates:
            url = self.empty()
            change(url, text())
            self._templates[kind] = self._made[-1]
        name = f"legacy_{secrets.token_hex(4)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._templates[kind]}")
        self._made.append(name)
        return self._address(name)

    def _address(self, name: str) -> str:
        head, _, query = self._url.partition("?")
        return f"{head.rpartition('/')[0]}/{name}?{query}"

    def _run(self, sql: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(sql)


def change(url: str, sql: str) -> None:
    """Run statements in a database."""
    with psycopg.connect(url) as connection:
        connection.execute(sql)


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return list(connection.execute(sql))


def _plain(dump: str) -> str:
    """Without what is meant for psql alone."""
    return "\n".join(
        line for line in dump.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))
    )
