"""Locks that last until the end of the running transaction, for what is no row.

Many transactions may share a lock, or one has it alone; whoever waits has his turn before those that come
later. On SQLite writers queue from their first statement on, so there is nothing to do. To be free of
deadlocks, kinds are locked in the order of their numbers; within a kind it is done here.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from django.db import connection


class Kind(enum.IntEnum):
    """What is locked: the first of the two numbers of an advisory lock."""

    USAGE = 1
    CONTAINER = 2


def share(kind: Kind, numbers: Iterable[int]) -> None:
    """Lock things together with others who share them. Numbers are 32 bits wide."""
    _lock("pg_advisory_xact_lock_shared", kind, numbers)


def take(kind: Kind, numbers: Iterable[int]) -> None:
    """Lock things alone."""
    _lock("pg_advisory_xact_lock", kind, numbers)


def _lock(function: str, kind: Kind, numbers: Iterable[int]) -> None:
    wanted = sorted({number % 2**31 for number in numbers})
    if connection.vendor != "postgresql" or not wanted:
        return
    if not connection.in_atomic_block:
        raise RuntimeError("a lock is held by a transaction, and there is none")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, number) FROM unnest(%s::int[]) number", [int(kind), wanted])  # noqa: S608
