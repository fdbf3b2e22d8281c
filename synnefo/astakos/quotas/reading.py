"""Reading quota: a user's share of each project beside the project's pool."""

from __future__ import annotations

from collections.abc import Iterable

from synnefo.astakos.quotas.models import Holding, QuotaWarning
from synnefo.astakos.quotas.rules import holdings_of
from synnefo.common.accounts import QuotaUse
from synnefo.common.units import INFINITE

_EMPTY = Holding(limit=0)


def of_user(
    user: str, *, projects: Iterable[str] | None = None, resources: Iterable[str] | None = None
) -> dict[str, dict[str, QuotaUse]]:
    """Project uuid to resource to use, for one user."""
    return of_users([user], projects=projects, resources=resources).get(user, {})


def of_users(
    users: Iterable[str] | None,
    *,
    projects: Iterable[str] | None = None,
    resources: Iterable[str] | None = None,
) -> dict[str, dict[str, dict[str, QuotaUse]]]:
    """User uuid to project uuid to resource to use, of all for None. A pool without a holding is empty."""
    if users is None:
        shares = holdings_of(resources=resources).filter(holder__startswith="user:")
    else:
        shares = holdings_of(holders=[f"user:{user}" for user in users], resources=resources)
    if projects is not None:
        shares = shares.filter(source__in=[f"project:{project}" for project in projects])
    rows = list(shares)
    pools = _pools(None if users is None else {row.source for row in rows}, resources)
    found: dict[str, dict[str, dict[str, QuotaUse]]] = {}
    for row in rows:
        use = _use(row, pools.get((row.source, row.resource), _EMPTY))
        by_project = found.setdefault(_uuid(row.holder), {})
        by_project.setdefault(_uuid(row.source), {})[row.resource] = use
    return found


def of_projects(
    projects: Iterable[str] | None, *, resources: Iterable[str] | None = None
) -> dict[str, dict[str, Holding]]:
    """Project uuid to resource to the pool's holding; of all projects for None."""
    found: dict[str, dict[str, Holding]] = {}
    holders = None if projects is None else {f"project:{project}" for project in projects}
    for (holder, resource), row in _pools(holders, resources).items():
        found.setdefault(_uuid(holder), {})[resource] = row
    return found


def reachable(use: QuotaUse) -> int:
    """What the user can reach in all; no less than nothing, and endless where nothing limits it."""
    if min(use.limit, use.project_limit) >= INFINITE:
        return INFINITE
    return max(0, use.effective_limit)


def binding(use: QuotaUse) -> str:
    """Which of the two ends first: ``share``, or ``pool`` as the others use it; empty where none does."""
    if reachable(use) >= INFINITE:
        return ""
    return "share" if use.limit <= use.project_limit - (use.project_usage - use.usage) else "pool"


def level(use: QuotaUse) -> int:
    """The worst warning that these amounts give: 100 or 80 percent of share or pool, or 0."""
    pairs = ((use.limit, use.usage), (use.project_limit, use.project_usage))
    reached = [one for one in QuotaWarning.Level for limit, usage in pairs if one.is_reached(limit, usage)]
    return max(reached, default=0)


def bound(use: QuotaUse) -> dict[str, int | str]:
    """What follows from the amounts, as the API shows it beside them."""
    return {"effective_limit": reachable(use), "binds": binding(use), "level": level(use)}


def _pools(holders: Iterable[str] | None, resources: Iterable[str] | None) -> dict[tuple[str, str], Holding]:
    rows = holdings_of(holders=holders, resources=resources).filter(source="")
    return {(row.holder, row.resource): row for row in rows}


def _use(share: Holding, pool: Holding) -> QuotaUse:
    return QuotaUse(
        limit=share.limit,
        usage=share.usage_max,
        pending=share.usage_max - share.usage_min,
        project_limit=pool.limit,
        project_usage=pool.usage_max,
        project_pending=pool.usage_max - pool.usage_min,
    )


def _uuid(holder: str) -> str:
    return holder.partition(":")[2]
