"""Figures of the whole cloud: how many people, by how they sign in, and what they use of each resource."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Concat
from django.utils import timezone

from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.methods.models import AuthMethod
from synnefo.astakos.quotas.models import Delta, Holding
from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden
from synnefo.common.units import INFINITE


def public() -> dict[str, Any]:
    """What everybody may know."""
    users = _counts(_people())
    return {"users": {"total": users["total"], "active": users["active"]}}


def detailed(caller: Caller) -> dict[str, Any]:
    """By provider, and for all. Raises Forbidden unless he is of a group that may see it, or administers."""
    groups = settings.ASTAKOS_ADMIN_STATS_PERMITTED_GROUPS
    if not caller.is_admin and not User.objects.filter(uuid=caller.user, groups__name__in=groups).exists():
        raise Forbidden("You do not have the permissions to perform this action.")
    methods = AuthMethod.objects.filter(active=True)
    providers = list(methods.order_by("module").values_list("module", flat=True).distinct())
    resources = list(Resource.objects.order_by("name"))
    users: dict[str, Any] = {"all": _counts(_people())}
    used: dict[str, Any] = {"all": _use(resources, Q(source=""))}
    for provider in providers:
        theirs = _people().filter(Exists(methods.filter(user=OuterRef("pk"), module=provider)))
        others = Exists(methods.filter(user=OuterRef("pk")).exclude(module=provider))
        exclusive = theirs.filter(~others, is_active=True, email_verified=True)
        users[provider] = {**_counts(theirs), "exclusive": exclusive.count()}
        holders = exclusive.annotate(holder=Concat(Value("user:"), "uuid", output_field=CharField()))
        used[provider] = _use(resources, Q(holder__in=holders.values("holder")))
    return {
        "datetime": timezone.now().isoformat(),
        "providers": providers,
        "users": users,
        "resources": used,
    }


def _people() -> QuerySet[User]:
    """Without those of whom nothing is left but a uuid."""
    return User.objects.filter(removed_at=None)


def _counts(users: QuerySet[User]) -> dict[str, int]:
    return {
        "total": users.count(),
        "verified": users.filter(email_verified=True).count(),
        "active": users.filter(is_active=True).count(),
    }


def _use(resources: Iterable[Resource], which: Q) -> dict[str, dict[str, Any]]:
    """Resource to what is used and, where there are limits, allocated of these holdings."""
    holdings = Holding.rows.filter(which).order_by()
    rows = holdings.values_list("resource").annotate(
        used=Sum("folded_max"), allocated=Sum("limit", filter=Q(limit__lt=INFINITE))
    )
    found = {name: (used, allocated or 0) for name, used, allocated in rows}
    appended = Delta.objects.filter(holding__in=holdings.values("pk")).order_by()
    more = dict(appended.values_list("holding__resource").annotate(Sum("quantity")))
    return {
        row.name: {
            "used": found.get(row.name, (0, 0))[0] + more.get(row.name, 0),
            "allocated": found.get(row.name, (0, 0))[1],
            "unit": row.unit or None,
            "description": row.description,
        }
        for row in resources
    }
