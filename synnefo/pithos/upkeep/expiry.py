"""Objects whose time is over are deleted, and what they cost is given back. Nobody sees them even before."""

from __future__ import annotations

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from synnefo.common.caller import system_caller
from synnefo.common.faults import Fault
from synnefo.pithos.namespace.changes import Change, commit, current
from synnefo.pithos.namespace.models import Container, Version

log = structlog.get_logger("synnefo.pithos")

EVERY_S = 60
_BATCH = 500


def delete_expired() -> int:
    """Delete some of the objects whose time is over; returns how many."""
    count = 0
    for version in _over()[:_BATCH]:
        try:
            count += delete_over(version.object.container, version.object.name)
        except Fault as fault:
            log.warning("an object that is over stays", version=version.pk, reason=fault.message)
    return count


def delete_over(container: Container, name: str) -> bool:
    """Delete what is under a path if its time is over; whether it was."""

    def plan() -> list[Change]:
        old = current(container, name)
        return [Change(container, name, old, None)] if old is not None and old.is_over else []

    path = f"{container.account.name}/{container.name}/{name}"
    return bool(commit(system_caller("expiry"), plan, path=path))


def _over() -> QuerySet[Version]:
    rows = Version.objects.filter(state=Version.State.CURRENT, expires__lte=timezone.now())
    return rows.select_related("object__container__account").order_by("expires")
