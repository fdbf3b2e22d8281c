"""Transactions of our own making, so that "no I/O inside a transaction" can be checked.

``atomic`` is Django's, counted. What touches a hypervisor, a network or another service calls
``forbid_in_transaction`` first; a violation is a bug and raises at once, in production too, since a
slow peer would otherwise hold row locks for everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import DEFAULT_DB_ALIAS, connections, transaction

_depth: ContextVar[int] = ContextVar("transaction_depth", default=0)


@contextmanager
def atomic(using: str | None = None) -> Iterator[None]:
    """One transaction; an inner one joins the outer (as a savepoint)."""
    token = _depth.set(_depth.get() + 1)
    try:
        with transaction.atomic(using=using):
            yield
    finally:
        _depth.reset(token)


@contextmanager
def snapshot() -> Iterator[bool]:
    """Several queries see the database as it is at the first of them; nothing is written.

    False where that cannot be told: on SQLite, and in a transaction that has begun already.
    """
    here = connections[DEFAULT_DB_ALIAS]
    if here.vendor != "postgresql" or here.in_atomic_block:
        yield False
        return
    with atomic():
        # The type hints know Django's own engine only.
        here.begin_with("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")  # type: ignore[attr-defined]
        yield True


def in_transaction() -> bool:
    return _depth.get() > 0


def forbid_in_transaction(what: str) -> None:
    """Raise RuntimeError if called inside ``atomic``."""
    if in_transaction():
        raise RuntimeError(f"{what} must not happen inside a database transaction")


def let_go() -> None:
    """Give connections back to their pool before waiting for somebody slow; they come again when needed.

    One that belongs to its thread is nobody else's to use, and stays.
    """
    for connection in connections.all(initialized_only=True):
        pooled = "pool" in connection.settings_dict["OPTIONS"]
        if pooled and connection.connection is not None and not connection.in_atomic_block:
            connection.close()
