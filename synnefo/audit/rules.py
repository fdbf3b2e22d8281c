"""Writing audit events: one call, inside the transaction of the change it tells of."""

from __future__ import annotations

from typing import Any

from synnefo.audit.models import AuditEvent
from synnefo.common.caller import Caller


def record(
    caller: Caller, action: str, kind: str, target: object, *, project: str = "", **details: Any
) -> None:
    """Append an event. ``details`` must be JSON and must hold no secret."""
    AuditEvent.objects.create(
        actor=caller.actor,
        actor_name=caller.name,
        action=action,
        target_kind=kind,
        target_id=str(target),
        project=project or caller.project,
        request_id=caller.request_id,
        address=caller.address,
        details=details,
    )
