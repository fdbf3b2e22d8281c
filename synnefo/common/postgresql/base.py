"""Django's PostgreSQL engine, which need not ask the server whether it is still there.

Connections stay open between requests. Django would send ``SELECT 1`` before the first query of every
request; here the socket tells. After an error the server is asked all the same.

What is sent very often goes over one cursor that each connection keeps (``run``): to make a cursor, and
Django's wrapper around it, takes twice as long as to send a statement and to read its answer. That one takes
statements as the server does: psycopg would read long ones each time to find the places of their values.
"""

from __future__ import annotations

import datetime
import functools
import itertools
import re
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import register_tzloader
from psycopg import adapters
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format, TransactionStatus

from synnefo.common.postgresql import liveness

_KEPT = "synnefo_cursor"
_MANY = 1000
_STATEMENTS = 512
_PLACE = re.compile("%[s%]")
_DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_TIME = adapters.types["timestamptz"].oid


class DatabaseWrapper(base.DatabaseWrapper):
    @property
    def pool(self) -> Any:
        pool = super().pool
        if pool is not None:  # Django lets nobody else say how connections are checked
            pool._check = liveness.check
        return pool

    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred:
            return bool(super().is_usable())
        return liveness.is_alive(self.connection)

    def run(self, sql: str, params: Sequence[Any]) -> tuple[list[tuple[Any, ...]], int]:
        """Rows of an answer (none of a statement without any), and how many were found or changed."""
        if self.execute_wrappers or self.queries_logged:  # somebody wants to know of every statement
            with self.cursor() as seen:
                seen.execute(sql, params)
                return (seen.fetchall() if seen.description else []), seen.rowcount
        self._be_ready()
        with self.wrap_database_errors:
            cursor = _cursor_of(self)
            cursor.execute(_numbered(sql), params)
            has_rows = cursor.pgresult is not None and cursor.pgresult.nfields
            found = (cursor.fetchall() if has_rows else []), cursor.rowcount
            if len(found[0]) > _MANY:
                cursor.close()  # which would keep the answer in memory until the next one
            return found

    def _be_ready(self) -> None:
        """What Django does before it makes a cursor."""
        self.validate_no_broken_transaction()
        if self.connection is None or not self.health_check_done:  # type: ignore[attr-defined]
            self.close_if_health_check_failed()
            self.ensure_connection()

    def begin_with(self, sql: str) -> None:
        """The first statement of a transaction, sent together with what begins it; its answer is not wanted.

        That is a turn to the server less: the driver makes one for each. Later it is a statement like others.
        """
        connection = self.connection
        has_begun = connection is None or connection.pgconn.transaction_status != TransactionStatus.IDLE
        if has_begun or connection.isolation_level or self.execute_wrappers or self.queries_logged:
            self.run(sql, ())
            return
        with self.wrap_database_errors:
            answer = connection.pgconn.exec_(f"BEGIN; {sql}".encode())
            if answer.status not in _DONE:
                raise error_from_result(answer)

    def pieces(self, sql: str, params: Sequence[Any], size: int) -> Generator[list[tuple[Any, ...]]]:
        """Rows of a long answer, so many at a time, while the server goes on.

        Until the end, or until the generator is closed, the connection takes no other statement.
        """
        if self.execute_wrappers or self.queries_logged:  # somebody wants to know of every statement
            rows, _ = self.run(sql, params)
            yield from (rows[start : start + size] for start in range(0, len(rows), size))
            return
        self._be_ready()
        with self.wrap_database_errors, closing(_Streaming(self.connection)) as cursor:
            yield from cursor.pieces(_numbered(sql), params, size)


class _Streaming(psycopg.RawCursor[Any]):
    def pieces(self, sql: bytes, params: Sequence[Any], size: int) -> Generator[list[tuple[Any, ...]]]:
        """``stream``, which makes its rows one by one: a piece at a time they take half as long."""
        stream: Any = self.stream(sql, params, size=size)  # a generator, which it does not say
        with closing(stream) as rows:
            more = next(rows, None) is not None
            while more and self.pgresult is not None:
                yield self._tx.load_rows(0, self.pgresult.ntuples, self._make_row)
                more = self.connection.wait(self._stream_fetchone_gen(first=False)) is not None


def _cursor_of(wrapper: DatabaseWrapper) -> psycopg.RawCursor[Any]:
    """The cursor goes with its connection, which goes to and fro between threads and the pool."""
    connection = wrapper.connection
    found: psycopg.RawCursor[Any] | None = getattr(connection, _KEPT, None)
    if found is None or found.closed:
        found = psycopg.RawCursor(connection)
        loader = adapters.get_loader(_TIME, Format.TEXT)
        if wrapper.timezone is datetime.UTC and loader:  # it is in C; Django has one for any time zone
            found.adapters.register_loader(_TIME, loader)
        else:
            register_tzloader(wrapper.timezone, found)
        setattr(connection, _KEPT, found)
    return found


@functools.lru_cache(_STATEMENTS)
def _numbered(sql: str) -> bytes:
    """The statement with ``$1``, ``$2`` and so on for each ``%s``."""
    numbers = itertools.count(1)
    return _PLACE.sub(lambda found: f"${next(numbers)}" if found[0] == "%s" else "%", sql).encode()
