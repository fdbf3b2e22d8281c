"""The PostgreSQL engine: connections that stay open, noticed when they are gone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, DataError, close_old_connections, connection
from psycopg import IsolationLevel

from synnefo.common import locks
from synnefo.common.conf import for_slow_clients
from synnefo.common.transactions import atomic, snapshot

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
]


@pytest.fixture(autouse=True)
def between_requests() -> Iterator[None]:
    """An open connection that is about to be used by the next request."""
    connection.ensure_connection()
    yield
    connection.close()


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        found: int = cursor.fetchone()[0]
    return found


def elsewhere(question: str, pid: int) -> object:
    """What another session answers."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(question, [pid])
            return cursor.fetchone()[0]
    finally:
        other.close()


def end_session(pid: int) -> None:
    """As a restart of the server does; returns when the session is gone."""
    assert elsewhere("SELECT pg_terminate_backend(%s, 5000)", pid)


def test_a_connection_stays_open_from_request_to_request() -> None:
    first = backend()
    close_old_connections()
    assert backend() == first


def test_a_request_after_the_server_went_away_gets_a_new_connection() -> None:
    first = backend()
    end_session(first)
    close_old_connections()
    assert backend() != first


def test_a_connection_that_failed_is_given_up() -> None:
    first = backend()
    end_session(first)
    with pytest.raises(DatabaseError):
        backend()
    close_old_connections()
    assert backend() != first


def test_a_refused_statement_costs_no_connection() -> None:
    first = backend()
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT nonsense")
    close_old_connections()
    assert backend() == first


def test_the_check_sends_no_query() -> None:
    pid = backend()
    assert connection.is_usable()
    assert elsewhere("SELECT query FROM pg_stat_activity WHERE pid = %s", pid) == "SELECT pg_backend_pid()"


def test_a_pool_gives_out_no_dead_connection_and_asks_no_server() -> None:
    pooled = connection.copy()
    pooled.settings_dict = for_slow_clients(connection.settings_dict, connections=1)
    pooled.alias = "pooled"
    try:
        pids = []
        for _ in range(2):
            with pooled.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pids.append(cursor.fetchone()[0])
            pooled.close()
        assert pids[0] == pids[1]
        question = "SELECT query FROM pg_stat_activity WHERE pid = %s"
        assert elsewhere(question, pids[0]) == "SELECT pg_backend_pid()"
        end_session(pids[0])
        with pooled.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            assert cursor.fetchone()[0] != pids[0]
        pooled.close()
    finally:
        pooled.close_pool()


def test_dates_come_as_lists_tell_them_whatever_the_server_likes_better() -> None:
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET DateStyle = 'German'")
        connection.close()
        try:
            cursor = connection.cursor()
            cursor.execute("SELECT '2031-02-01 00:00:00.25'::timestamp::text")
            assert cursor.fetchone() == ("2031-02-01 00:00:00.25",)
        finally:
            cursor.execute(f"ALTER DATABASE {name} RESET DateStyle")


def said(setting: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {setting}")
        found: str = cursor.fetchone()[0]
    return found


@pytest.mark.parametrize("is_first", [True, False])
def test_a_lock_is_held_until_the_transaction_ends_whether_it_began_it_or_not(is_first: bool) -> None:
    pid, held = backend(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = %s"
    with atomic():
        if not is_first:
            backend()
        locks.share(locks.Kind.CONTAINER, [7])
        assert elsewhere(held, pid) == 1
    assert elsewhere(held, pid) == 0


def test_a_transaction_that_cannot_begin_so_is_over_and_the_connection_good_for_the_next() -> None:
    first = backend()
    with pytest.raises(DataError), atomic():
        connection.begin_with("SELECT 1 / 0")
    with atomic():
        connection.begin_with("SELECT 1")
        assert backend() == first


def test_it_begins_with_the_isolation_that_the_connection_is_set_to() -> None:
    connection.connection.isolation_level = IsolationLevel.SERIALIZABLE
    with atomic():
        connection.begin_with("SELECT 1")
        assert said("transaction_isolation") == "serializable"


def test_a_snapshot_begins_as_one_and_ends_with_its_transaction() -> None:
    with snapshot() as is_one_moment:
        assert is_one_moment
        assert said("transaction_isolation") == "repeatable read"
    assert said("transaction_isolation") == "read committed"
