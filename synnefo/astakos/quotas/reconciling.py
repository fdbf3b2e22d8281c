"""Applications that wait against what is charged for them: one of ``astakos.pending_app`` each, to the
applicant's share of his system project and to its pool."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from contextlib import suppress

from django.db.models import Count

from synnefo.astakos.projects.models import ProjectApplication
from synnefo.astakos.quotas import clients, rules
from synnefo.astakos.quotas.models import Holding
from synnefo.common.accounts import Provision
from synnefo.common.faults import ItemNotFound, OverLimit

RESOURCE = "astakos.pending_app"


@dataclasses.dataclass(frozen=True)
class Difference:
    """A user whose applications are not what is charged; ``share`` and ``pool`` are what is charged to both.

    ``busy``: a commission waits that changes it, so that it cannot be said what is right.
    """

    uuid: str
    counted: int
    share: int
    pool: int
    busy: bool

    @property
    def charged(self) -> str:
        return str(self.share) if self.share == self.pool else f"{self.share} (pool: {self.pool})"

    @property
    def state(self) -> str:
        return "a commission waits" if self.busy else "differs"


def differences(*, user: str | None = None, project: str | None = None) -> list[Difference]:
    """Of everybody, or of one user (whose system project has his uuid)."""
    waiting = ProjectApplication.objects.filter(state=ProjectApplication.State.PENDING).order_by()
    counted = dict(waiting.values_list("applicant__uuid").annotate(Count("pk")))
    rows = {(row.holder, row.source): row for row in Holding.objects.filter(resource=RESOURCE)}
    uuids = counted.keys() | {holder.removeprefix("user:") for holder, source in rows if source}
    found = []
    for uuid in sorted(uuids):
        if user not in (None, uuid) or project not in (None, uuid):
            continue
        one = _compared(uuid, counted.get(uuid, 0), rows)
        if one.busy or (one.counted, one.counted) != (one.share, one.pool):
            found.append(one)
    return found


def mend(found: Iterable[Difference], *, force: bool = False) -> int:
    """Charge what is counted, or give back what is not; returns for how many users that could be done."""
    changed = 0
    for one in found:
        pool = f"project:{one.uuid}"
        wanted = [
            Provision(f"user:{one.uuid}", pool, RESOURCE, one.counted - one.share),
            Provision(pool, None, RESOURCE, one.counted - one.pool),
        ]
        wanted = [part for part in wanted if part.quantity]
        if one.busy:
            continue
        with suppress(OverLimit, ItemNotFound):
            rules.issue(wanted, client=clients.IN_PROCESS, name="reconcile", force=force, auto_accept=True)
            changed += 1
    return changed


def _compared(uuid: str, counted: int, rows: dict[tuple[str, str], Holding]) -> Difference:
    pool = f"project:{uuid}"
    held = [rows.get((f"user:{uuid}", pool)), rows.get((pool, ""))]
    share, whole = (row.usage_max if row else 0 for row in held)
    busy = any(row is not None and row.usage_min != row.usage_max for row in held)
    return Difference(uuid, counted, share, whole, busy)
