"""Usage that is appended instead of written into its holding, so that many small writes do not queue there.

A delta is what was taken or given back for good over one connection: no other one adds to it, so writers do
not wait for each other, and a holding never has more of them than there are connections. Readers add deltas
up (``Holding.objects`` does); folding moves them into their holdings, and notes in the ledger what was moved.
Far from a limit amounts are appended without knowing what others append at the same time;
``arithmetic.may_append`` says why that is safe. Near a limit commissions decide, alone: who appends shares
the locks that who issues takes.
"""

from __future__ import annotations

import datetime
import functools
import itertools
import operator
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import BigIntegerField, Case, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from django.utils import timezone

from synnefo.astakos.quotas.arithmetic import Level, may_append
from synnefo.astakos.quotas.keys import buckets, merged
from synnefo.astakos.quotas.models import Delta, Holding, ProvisionLog
from synnefo.common import locks
from synnefo.common.accounts import Provision
from synnefo.common.locks import Lock
from synnefo.common.prepared import Prepared, PreparedAddition
from synnefo.common.transactions import atomic

log = structlog.get_logger("synnefo.quota")

_BATCH = 500
#: Holdings that are folded in one transaction: who appends to them meanwhile waits until it is over.
_FOLDED = 50

_NUMBER = IntegerField()
_add = PreparedAddition(Delta, "holding", "writer", "quantity")


def append(provisions: Iterable[Provision], lock: Iterable[Lock] = ()) -> bool:
    """Count amounts in the caller's transaction, all or none; they stand when that is committed.

    What else is to be locked for it is locked by the same statement.

    False if a limit is near (or there is no such holding): then a commission decides, in another transaction,
    for nothing can be committed in this one any more.
    """
    wanted = merged(provisions)
    locks.lock(Lock(locks.Kind.USAGE, buckets(wanted)), *lock)
    found = _add.of(_query(len(wanted)), *itertools.chain(*wanted, wanted.values()))
    if len(found) == len(wanted) and all(
        may_append(Level(*level), appended, quantity, writers)
        for _, _, quantity, *level, appended, writers in found
    ):
        return True
    transaction.set_rollback(True)  # it is added already: to look first would be another turn to the database
    return False


def fold_all() -> int:
    """Move all deltas into their holdings; returns how many holdings there were."""
    numbers = list(Delta.objects.order_by("holding").values_list("holding", flat=True).distinct())
    for start in range(0, len(numbers), _FOLDED):
        with atomic():
            _fold(numbers[start : start + _FOLDED])
    return len(numbers)


def take_in(rows: Sequence[Holding]) -> None:
    """Move the deltas of holdings, whose rows the transaction has locked, into them.

    Those that somebody is just adding to are passed over; who must have all keeps others from appending.
    """
    found = defaultdict[int, dict[int, int]](dict)
    there = Delta.objects.filter(holding__in=[row.pk for row in rows]).select_for_update(skip_locked=True)
    for holding, number, quantity in there.values_list("holding_id", "pk", "quantity"):
        found[holding][number] = quantity
    changed = [row for row in rows if row.pk in found and not _waits(row, found[row.pk])]
    if not changed:
        return
    now = timezone.now()
    moved = [(row, _move(row, sum(found[row.pk].values()))) for row in changed]
    events = [_event(row, quantity, now) for row, quantity in moved if quantity]
    ProvisionLog.objects.bulk_create(events, batch_size=_BATCH)
    save_usage(changed)
    gone = [number for row in changed for number in found[row.pk]]
    for start in range(0, len(gone), _BATCH):
        Delta.objects.filter(pk__in=gone[start : start + _BATCH]).delete()


def _waits(row: Holding, found: dict[int, int]) -> bool:
    """Whether these give back what others, which were passed over, have taken."""
    if row.folded_min + sum(found.values()) >= 0:
        return False
    return Delta.objects.filter(holding=row).exclude(pk__in=found).exists()


def save_usage(rows: Iterable[Holding]) -> None:
    """Write the usage of locked rows: an upsert by primary key is one short statement for all of them."""
    Holding.rows.bulk_create(
        rows,
        batch_size=200,
        update_conflicts=True,
        unique_fields=("id",),
        update_fields=("folded_min", "folded_max"),
    )


def _fold(numbers: Iterable[int]) -> None:
    """What somebody else is at is passed over: he, or the next one, does it."""
    rows = Holding.rows.filter(pk__in=list(numbers)).order_by("pk")
    take_in(list(rows.select_for_update(skip_locked=True)))


def _move(row: Holding, quantity: int) -> int:
    """Move the amount, or of what is given back as much as there is; returns how much that was."""
    moved = max(quantity, -row.folded_min)
    if moved != quantity:
        log.warning("more was given back than was held", holding=str(row), missing=moved - quantity)
    row.folded_min += moved
    row.folded_max += moved
    return moved


def _event(row: Holding, quantity: int, at: datetime.datetime) -> ProvisionLog:
    return ProvisionLog(
        holder=row.holder, source=row.source, resource=row.resource, quantity=quantity,
        accepted=True, limit=row.limit, usage_min=row.folded_min, usage_max=row.folded_max,
        issued=at, settled=at,
    )  # fmt: skip


@functools.cache
def _query(count: int) -> Prepared:
    """Takes that many keys, part by part, and then the quantity of each."""
    keys = [f"{part} {number}" for number in range(count) for part in ("holder", "source", "resource")]
    return Prepared(_rows_of, *keys, *range(-count, 0))


def _rows_of(*values: Any) -> QuerySet[Holding, Any]:
    """What a delta is made of, then the level and sum of deltas, and how many may append at the same time."""
    count = len(values) // 4
    keys = [values[3 * number : 3 * number + 3] for number in range(count)]
    wanted = [Q(holder=holder, source=source, resource__in=[name]) for holder, source, name in keys]
    quantities = [Cast(quantity, BigIntegerField()) for quantity in values[3 * count :]]
    rows = Holding.objects.filter(functools.reduce(operator.or_, wanted)).annotate(
        quantity=Case(*(When(one, then=quantity) for one, quantity in zip(wanted, quantities, strict=True))),
        writer=_if_postgresql(RawSQL("pg_backend_pid()", (), _NUMBER), 0),
        writers=_if_postgresql(RawSQL("current_setting('max_connections')::int", (), _NUMBER), 1),
    )
    return rows.values_list(
        "pk", "writer", "quantity", "limit", "folded_min", "folded_max", "appended", "writers"
    )


def _if_postgresql(told: RawSQL, else_: int) -> RawSQL | Value:
    """A number that no other connection has meanwhile; how many transactions can be open at once.

    Those on SQLite that write are one.
    """
    return told if connection.vendor == "postgresql" else Value(else_, output_field=_NUMBER)
