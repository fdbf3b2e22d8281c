"""Asking for operations and reading them. Rules of the services call ``start`` in their transaction."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict
from synnefo.engine import wake
from synnefo.engine.charging import decide
from synnefo.engine.models import Operation, Target
from synnefo.engine.procedure import Procedure

TargetKey = tuple[str, int]


def start(
    procedure: type[Procedure],
    *,
    targets: Iterable[TargetKey],
    actor: Caller,
    project: str = "",
    payload: dict[str, Any] | None = None,
    secret: dict[str, Any] | None = None,
    serial: int | None = None,
) -> Operation:
    """Write down an operation; the dispatcher is woken when the transaction commits.

    The targets' rows must be locked by the caller. Raises Conflict if one has an active operation.
    """
    keys = sorted(set(targets))
    if any(active_on(*key).exists() for key in keys):
        raise Conflict("Another operation on this is under way.")
    row = Operation.objects.create(
        kind=procedure.kind,
        payload=payload or {},
        secret=secret,
        step=procedure.steps[0].name,
        deadline=timezone.now() + datetime.timedelta(seconds=procedure.deadline_s),
        serial=serial,
        actor=actor.actor,
        project=project or actor.project,
        request_id=actor.request_id,
    )
    Target.objects.bulk_create(Target(operation=row, kind=kind, object_id=key) for kind, key in keys)
    transaction.on_commit(wake.dispatchers)
    return row


def supersede(kind: str, object_id: int, *, unless: type[Procedure] | None = None) -> bool:
    """End what is under way on a target, because what comes now makes it pointless (a deletion).

    An operation of the kind ``unless`` is left alone. Tells whether anything was ended.

    The object's row must be locked. The worker that runs it loses its lease at its next write, and
    its engine is fenced off by the newer operation; its charge is given up.
    """
    ended = False
    for target in active_on(kind, object_id).select_related("operation"):
        row = target.operation
        if unless is not None and row.kind == unless.kind:
            continue
        now = timezone.now()
        Operation.objects.filter(pk=row.pk).update(
            state=Operation.State.FAILED, error="Superseded by a deletion.", secret=None, finished=now,
            lease_until=None, lease_owner="", attempt=F("attempt") + 1, updated=now,
        )  # fmt: skip
        row.targets.update(active=False)
        decide(row.serial, accept=False)
        ended = True
    return ended


def active_on(kind: str, object_id: int) -> QuerySet[Target]:
    """The active operation's target row, if there is one."""
    return Target.objects.filter(kind=kind, object_id=object_id, active=True)


def history_of(kind: str, object_id: int) -> QuerySet[Operation]:
    """Operations on an object, newest first. The caller has checked who may see the object."""
    return Operation.objects.filter(targets__kind=kind, targets__object_id=object_id).order_by("-id")
