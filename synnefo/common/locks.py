"""Locks that last until the end of the running transaction, for what is no row.

Many transactions may share a lock, or one has it alone; whoever waits has his turn before those that come
later. On SQLite writers queue from their first statement on, so there is nothing to do. To be free of
deadlocks, kinds are locked in the order of their numbers; within a kind it is done here.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection

_BATCH = 100
_CALLS = ("pg_advisory_xact_lock_shared", "pg_advisory_xact_lock")


class Kind(enum.IntEnum):
    """What is locked: the first of the two numbers of an advisory lock."""

    USAGE = 1
    CONTAINER = 2


class Lock(NamedTuple):
    """Things of a kind by their numbers (32 bits wide), locked ``alone`` or together with who shares them."""

    kind: Kind
    numbers: Iterable[int]
    alone: bool = False


def share(kind: Kind, numbers: Iterable[int]) -> None:
    """Lock things together with others who share them."""
    lock(Lock(kind, numbers))


def take(kind: Kind, numbers: Iterable[int]) -> None:
    """Lock things alone."""
    lock(Lock(kind, numbers, alone=True))


def lock(*wanted: Lock) -> None:
    """Lock things of several kinds by one statement, in the order in which all lock them."""
    if connection.vendor != "postgresql":
        return
    places = sorted(
        (int(one.kind), number % 2**31, one.alone) for one in wanted for number in set(one.numbers)
    )
    if places and not connection.in_atomic_block:
        raise RuntimeError("a lock is held by a transaction, and there is none")
    for start in range(0, len(places), _BATCH):
        batch = places[start : start + _BATCH]
        # They are evaluated from left to right. The type hints know Django's own engine only.
        calls = ", ".join(f"{_CALLS[alone]}({kind}, {number})" for kind, number, alone in batch)
        connection.begin_with(f"SELECT {calls}")  # type: ignore[attr-defined]
