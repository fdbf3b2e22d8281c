"""What somebody may ask to have more of, with the limits and use that there are now. Reads only."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from django.db.models import Q

from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.projects.models import Membership, Project, ProjectLimit
from synnefo.astakos.quotas import reading
from synnefo.astakos.requests.models import QuotaRequest
from synnefo.common.accounts import QuotaUse

_NOTHING = QuotaUse(0, 0, 0, 0, 0, 0)


@dataclasses.dataclass(frozen=True)
class Target:
    """A person, a project, and what of it he may ask for: the members' share, or the pool."""

    user: User
    project: Project
    kind: str


@dataclasses.dataclass(frozen=True)
class Line:
    """A resource of a target: the limit that would be raised, and what is used of it.

    ``use`` has the person's share beside the pool.
    """

    resource: Resource
    limit: int
    usage: int
    use: QuotaUse


def targets_of_user(uuid: str) -> list[Target]:
    """Empty for whoever is no user; the system project first, then by name."""
    user = User.objects.filter(uuid=uuid).first()
    if user is None:
        return []
    member = Q(memberships__person=user, memberships__state__in=Membership.ACTUALLY_ACCEPTED)
    running = Project.objects.filter(state=Project.State.NORMAL)
    shares = running.filter(member).order_by("-is_base", "realname", "pk")
    pools = running.filter(owner=user).order_by("realname", "pk")
    return [
        Target(user, row, QuotaRequest.Kind.POOL if row.is_base else QuotaRequest.Kind.SHARE)
        for row in shares
    ] + [Target(user, row, QuotaRequest.Kind.POOL) for row in pools]


def lines(target: Target) -> list[Line]:
    """By resource, those that people are shown."""
    limits = ProjectLimit.objects.filter(project=target.project, resource__ui_visible=True)
    rows = list(limits.select_related("resource").order_by("resource__name"))
    uses = _uses(target, [row.resource.name for row in rows])
    return [_line(target, row, uses.get(row.resource.name, _NOTHING)) for row in rows]


def _line(target: Target, row: ProjectLimit, use: QuotaUse) -> Line:
    if target.kind == QuotaRequest.Kind.SHARE:
        return Line(row.resource, row.member_capacity, use.usage, use)
    return Line(row.resource, row.project_capacity, use.project_usage, use)


def _uses(target: Target, names: Iterable[str]) -> dict[str, QuotaUse]:
    """The person's share beside the pool; an owner who is no member has no share."""
    names = list(names)
    uuid = target.project.uuid
    shares = reading.of_user(target.user.uuid, projects=[uuid], resources=names).get(uuid, {})
    pools = reading.of_projects([uuid], resources=names).get(uuid, {})
    alone = {
        name: QuotaUse(0, 0, 0, row.limit, row.usage_max, row.usage_max - row.usage_min)
        for name, row in pools.items()
    }
    return alone | shares
