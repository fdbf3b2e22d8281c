"""The old database: one read-only snapshot of it, read in the order of keys by server-side cursors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from synnefo.common.faults import BadRequest

#: Rows in memory at a time.
BATCH = 500
_CONNECT_TIMEOUT_S = 15

#: Text of SQL, a constant of this package.
Sql = str


class Row(dict[str, Any]):
    """An old row by the names of its columns. One that not every release had is asked for by ``get``."""

    def __missing__(self, name: str) -> Any:
        raise BadRequest(f"The old database has no column {name!r} where Synnefo 0.19 to 0.21 had it.")


class Source:
    """An old database. Subclasses say which one it is, and raise BadRequest for what is none of theirs."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._connection = connection
        self.release = self._release()
        #: Tells this database from others.
        self.fingerprint = hashlib.sha256(self._first().encode()).hexdigest()

    def _release(self) -> str:
        """Of which release it is. Raises BadRequest."""
        raise NotImplementedError

    def _first(self) -> str:
        """What this database alone has: its first account."""
        raise NotImplementedError

    def rows(self, sql: Sql, after: int = 0, *, batch: int = BATCH) -> Iterator[list[Row]]:
        """Batches of the rows of ``sql`` whose ``key`` is above ``after``, in its order."""
        text = f"SELECT * FROM ({sql}) AS old WHERE key > %s ORDER BY key"  # noqa: S608  constants of ours
        with self._connection.cursor(name="legacy") as cursor:
            cursor.itersize = batch
            cursor.execute(text, (after,))
            while found := cursor.fetchmany(batch):
                yield [Row(row) for row in found]

    def count(self, sql: Sql) -> int:
        found = self.one(f"SELECT count(*) AS rows FROM ({sql}) AS old")  # noqa: S608  constants of ours
        return int(found["rows"]) if found else 0

    def all(self, sql: Sql, *parameters: object) -> list[Row]:
        """Rows of which there are few."""
        return [Row(row) for row in self._connection.execute(sql, parameters or None)]

    def has(self, table: str, column: str | None = None) -> bool:
        wanted = "SELECT 1 FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false))"
        found = self.one(
            f"{wanted} AND table_name = %s AND (%s::text IS NULL OR column_name = %s)", table, column, column
        )
        return found is not None

    def next_number(self, table: str, column: str) -> int:
        """What the old database would number its next row with; 1 where it does not number."""
        named = self.one("SELECT pg_get_serial_sequence(%s, %s) AS name", table, column)
        if not named or not named["name"]:
            return 1
        found = self.one(f"SELECT last_value + is_called::int AS next FROM {named['name']}")  # noqa: S608
        return int(found["next"]) if found else 1

    def one(self, sql: Sql, *parameters: object) -> Mapping[str, Any] | None:
        return self._connection.execute(sql, parameters or None).fetchone()


_AnySource = TypeVar("_AnySource", bound=Source)


@contextmanager
def opened(url: str, kind: type[_AnySource]) -> Iterator[_AnySource]:
    """The old database, read-only, and as it is now whatever is written meanwhile. Raises BadRequest."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise BadRequest("The old database is named as postgresql://USER:PASSWORD@HOST/NAME.")
    try:
        connection = psycopg.connect(url, row_factory=dict_row, connect_timeout=_CONNECT_TIMEOUT_S)
    except psycopg.Error as error:
        raise BadRequest(f"Cannot reach the old database: {error}") from None
    try:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield kind(connection)
    except psycopg.Error as error:
        raise BadRequest(f"Cannot read the old database: {error}") from error
    finally:
        connection.close()
