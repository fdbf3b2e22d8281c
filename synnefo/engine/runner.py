"""Working off one operation: claim, run steps, undo, finish; every write fenced by the attempt number.

Nothing here knows what the steps do. A claim is a lease: while it lasts nobody else touches the row;
when it runs out (a dead or sleeping dispatcher) the next claim raises the attempt, and every later
write of the old worker hits no row and raises ``LeaseLost``.
"""

from __future__ import annotations

import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

from synnefo.common.transactions import atomic
from synnefo.engine.charging import decide
from synnefo.engine.models import Operation, Target
from synnefo.engine.procedure import REGISTRY, Again, LeaseLost, Move, Next, Procedure, Verdict

log = structlog.get_logger("synnefo.engine")

_BACKOFF_S = (0.5, 1, 2, 5, 10, 20, 30)
_UNDO_GRACE_S = 300.0


def claim(owner: str, limit: int) -> list[Operation]:
    """Take up to ``limit`` operations that are due and not leased; each gets a new attempt number."""
    if limit <= 0:
        return []
    now = timezone.now()
    with atomic():
        due = Operation.objects.filter(
            Q(lease_until__isnull=True) | Q(lease_until__lt=now), state__in=Operation.ACTIVE, wake_at__lte=now
        ).order_by("wake_at")
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        rows = list(due[:limit])
        for row in rows:
            row.attempt += 1
            row.lease_owner = owner
            row.lease_until = _lease_end(now)
            row.save(update_fields=("attempt", "lease_owner", "lease_until", "updated"))
    return rows


def next_wake() -> datetime.datetime | None:
    """When the earliest sleeping operation is due."""
    rows = Operation.objects.filter(state__in=Operation.ACTIVE, lease_until__isnull=True)
    found: datetime.datetime | None = rows.order_by("wake_at").values_list("wake_at", flat=True).first()
    return found


def renew(row: Operation) -> bool:
    """Extend the lease; False if somebody else has taken over."""
    return bool(_mine(row).update(lease_until=_lease_end(timezone.now())))


def work(row: Operation) -> None:
    """Run a claimed operation until it sleeps, ends or is lost."""
    with structlog.contextvars.bound_contextvars(operation=row.pk, kind=row.kind, request_id=row.request_id):
        try:
            while row.active and row.lease_until is not None:
                _advance(row)
        except LeaseLost:
            log.warning("lease lost", attempt=row.attempt)


def _advance(row: Operation) -> None:
    """One step forward, or one undo backward."""
    procedure_class = REGISTRY.get(row.kind)
    if procedure_class is None:
        raise LookupError(f"operation {row.pk}: no procedure is called {row.kind!r}")
    procedure = procedure_class(row)
    overdue = timezone.now() > row.deadline
    if row.state == Operation.State.DOING:
        if overdue and row.failures:
            _begin_undo(row, row.error or "The operation took too long.")
        else:
            _do(row, procedure, overdue)
    else:
        _undo(row, procedure, overdue)


def _do(row: Operation, procedure: Procedure, overdue: bool) -> None:
    try:
        move: Move = getattr(procedure, row.step)()
    except LeaseLost:
        raise
    except Exception as error:  # whatever a step may raise: the procedure says what it means
        _after_error(row, procedure, error)
        return
    row.job = procedure.job
    if isinstance(move, Again):
        if overdue:
            _begin_undo(row, "The operation took too long.")
        else:
            _sleep(row, move.after_s)
        return
    row.done_steps = [*row.done_steps, row.step]
    following = _following(procedure, row.step) if isinstance(move, Next) else None
    if following is None:
        _finish(row, procedure, "")
    else:
        row.step, row.failures = following, 0
        _save(row, "step", "done_steps", "job", "failures")


def _undo(row: Operation, procedure: Procedure, overdue: bool) -> None:
    undo = {step.name: step.undo for step in procedure.steps}.get(row.step)
    try:
        if undo is not None and isinstance(move := getattr(procedure, undo)(), Again):
            row.job = procedure.job
            _sleep(row, move.after_s)
            return
    except LeaseLost:
        raise
    except Exception as error:  # an undo is tried again until its own deadline, then left to the reconciler
        if procedure.classify(error) is Verdict.STOP:
            raise LeaseLost from error
        if not overdue:
            log.warning("undo failed, trying again", step=row.step, error=str(error))
            row.failures += 1
            _sleep(row, _backoff(row.failures))
            return
        log.exception("undo given up", step=row.step)
    if row.done_steps:
        row.step, row.done_steps, row.failures = row.done_steps[-1], row.done_steps[:-1], 0
        _save(row, "step", "done_steps", "failures")
    else:
        _finish(row, procedure, row.error)


def _after_error(row: Operation, procedure: Procedure, error: Exception) -> None:
    verdict = procedure.classify(error)
    if verdict is Verdict.STOP:
        raise LeaseLost from error
    if verdict is Verdict.FAIL:
        _begin_undo(row, str(error))
        return
    row.failures += 1
    row.error = str(error) or type(error).__name__
    report = log.warning if isinstance(error, DatabaseError) or row.failures < 3 else log.exception
    report("step failed, trying again", step=row.step, failures=row.failures, error=row.error)
    _sleep(row, _backoff(row.failures))


def _begin_undo(row: Operation, error: str) -> None:
    """Turn round: the running step is undone first (it may have acted), then the earlier ones."""
    log.warning("operation fails", step=row.step, error=error)
    row.state, row.error, row.failures = Operation.State.UNDOING, error, 0
    row.deadline = timezone.now() + datetime.timedelta(seconds=_UNDO_GRACE_S)
    _save(row, "state", "error", "failures", "deadline", "job")


def _finish(row: Operation, procedure: Procedure, error: str) -> None:
    """The one transaction that ends an operation: targets, commission, row."""
    row.state = Operation.State.FAILED if error else Operation.State.SUCCEEDED
    row.error, row.secret, row.finished = error, None, timezone.now()
    row.lease_until, row.lease_owner = None, ""
    fields = ("state", "error", "secret", "finished", "lease_until", "lease_owner", "done_steps", "job")
    mine = _mine(row)
    with atomic():
        if not mine.update(**{name: getattr(row, name) for name in fields}, updated=row.finished):
            raise LeaseLost
        procedure.finish(error)
        Target.objects.filter(operation=row).update(active=False)
        decide(row.serial, accept=procedure.accepts_commission(error))
    log.info("operation finished", state=row.state, error=error)


def _sleep(row: Operation, after_s: float) -> None:
    """Give the row back until later."""
    row.wake_at = timezone.now() + datetime.timedelta(seconds=after_s)
    mine = _mine(row)
    row.lease_until, row.lease_owner = None, ""
    _write(mine, row, ("wake_at", "lease_until", "lease_owner", "failures", "error", "job"))


def _save(row: Operation, *fields: str) -> None:
    row.lease_until = _lease_end(timezone.now())
    _write(_mine(row), row, (*fields, "lease_until"))


def _write(mine: Any, row: Operation, fields: tuple[str, ...]) -> None:
    if not mine.update(**{name: getattr(row, name) for name in fields}, updated=timezone.now()):
        raise LeaseLost


def _mine(row: Operation) -> Any:
    """The row, if this attempt still owns it."""
    return Operation.objects.filter(pk=row.pk, attempt=row.attempt, lease_until__isnull=False)


def _following(procedure: Procedure, name: str) -> str | None:
    names = [step.name for step in procedure.steps]
    place = names.index(name) + 1
    return names[place] if place < len(names) else None


def _backoff(failures: int) -> float:
    return float(_BACKOFF_S[min(failures, len(_BACKOFF_S)) - 1])


def _lease_end(now: datetime.datetime) -> datetime.datetime:
    return now + datetime.timedelta(seconds=settings.SYNNEFO_LEASE_S)
