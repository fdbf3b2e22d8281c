"""Usage that is appended instead of written into its holding, so that many small writes do not queue there.

A delta is an amount that was taken or given back for good. Readers add deltas up (``Holding.objects`` does);
folding moves them into their holdings, and notes in the ledger what was moved. Far from a limit amounts are
appended without knowing what others append at the same time; ``arithmetic.may_append`` says why that is
safe. Near a limit commissions decide, alone: who appends shares the locks that who issues takes.
"""

from __future__ import annotations

import datetime
import functools
from collections import Counter
from collections.abc import Iterable, Sequence

import structlog
from django.db import connection
from django.db.models import Count, IntegerField, Q, QuerySet, Sum, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.utils import timezone

from synnefo.astakos.quotas.arithmetic import Level, may_append
from synnefo.astakos.quotas.keys import Key, buckets, merged
from synnefo.astakos.quotas.models import Delta, Holding, ProvisionLog
from synnefo.common import locks
from synnefo.common.accounts import Provision
from synnefo.common.locks import Lock
from synnefo.common.prepared import Prepared, PreparedInsert
from synnefo.common.transactions import atomic

log = structlog.get_logger("synnefo.quota")

#: So many deltas of one holding are folded by who finds them, should nobody else do it.
_CROWD = 64
_BATCH = 500

_insert = PreparedInsert(Delta, "holding", "quantity")


def append(provisions: Iterable[Provision], lock: Iterable[Lock] = ()) -> bool:
    """Count amounts in the caller's transaction, all or none; they stand when that is committed.

    What else is to be locked for it is locked by the same statement.

    False, with nothing done, if a limit is near (or there is no such holding): then a commission decides.
    Locks are kept all the same, so the caller gives up this transaction first.
    """
    wanted = merged(provisions)
    locks.lock(Lock(locks.Kind.USAGE, buckets(wanted)), *lock)
    found = _holdings(list(wanted))
    if len(found) < len(wanted):
        return False
    for key, (_, level, appended, _, writers) in found.items():
        if not may_append(level, appended, wanted[key], writers):
            return False
    _insert.many([(found[key][0], quantity) for key, quantity in wanted.items()])
    crowded = [number for number, _, _, waiting, _ in found.values() if waiting >= _CROWD]
    if crowded:
        _fold(crowded)
    return True


def fold_all() -> int:
    """Move all deltas into their holdings; returns how many holdings there were."""
    numbers = list(Delta.objects.order_by("holding").values_list("holding", flat=True).distinct())
    for start in range(0, len(numbers), _BATCH):
        with atomic():
            _fold(numbers[start : start + _BATCH])
    return len(numbers)


def tidy() -> None:
    """Fold, and have PostgreSQL forget the deltas that are gone: until then each query passes over them all.

    It would by itself once a minute at most, when there may be ten thousands of them.
    """
    if fold_all() and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM (SKIP_LOCKED, TRUNCATE FALSE, INDEX_CLEANUP ON) {Delta._meta.db_table}")


def take_in(rows: Sequence[Holding]) -> None:
    """Move the deltas of holdings, whose rows the transaction has locked, into them."""
    found = list(
        Delta.objects.filter(holding__in=[row.pk for row in rows]).values_list("pk", "holding_id", "quantity")
    )
    if not found:
        return
    sums: Counter[int] = Counter()
    for _, holding, quantity in found:
        sums[holding] += quantity
    changed = [row for row in rows if row.pk in sums]
    now = timezone.now()
    events = [_event(row, moved, now) for row in changed if (moved := _move(row, sums[row.pk]))]
    ProvisionLog.objects.bulk_create(events, batch_size=_BATCH)
    save_usage(changed)
    for start in range(0, len(found), _BATCH):
        Delta.objects.filter(pk__in=[pk for pk, _, _ in found[start : start + _BATCH]]).delete()


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
    """Holdings that somebody else is at are passed over: he, or the next one, does it."""
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


def _holdings(keys: Sequence[Key]) -> dict[Key, tuple[int, Level, int, int, int]]:
    """Number, level, sum and count of deltas of each, and how many may append at the same time."""
    values = [part for key in keys for part in key]
    return {
        (holder, source, resource): (number, Level(*level), appended, waiting, writers)
        for number, holder, source, resource, *level, appended, waiting, writers in _query(len(keys))(*values)
    }


@functools.cache
def _query(count: int) -> Prepared:
    names = [f"{name} {number}" for number in range(count) for name in ("holder", "source", "resource")]
    return Prepared(_rows_of, *names)


def _rows_of(*values: str) -> QuerySet[Holding, object]:
    wanted = Q()
    for start in range(0, len(values), 3):
        wanted |= Q(holder=values[start], source=values[start + 1], resource__in=[values[start + 2]])
    rows = Holding.rows.filter(wanted).annotate(
        sum=Coalesce(Sum("deltas__quantity"), 0), waiting=Count("deltas"), writers=_writers()
    )
    return rows.values_list(
        "pk", "holder", "source", "resource", "limit", "folded_min", "folded_max",
        "sum", "waiting", "writers",
    )  # fmt: skip


def _writers() -> RawSQL | Value:
    """How many transactions can be open at once; those on SQLite that write are one."""
    if connection.vendor == "postgresql":
        return RawSQL("current_setting('max_connections')::int", (), output_field=IntegerField())
    return Value(1, output_field=IntegerField())
