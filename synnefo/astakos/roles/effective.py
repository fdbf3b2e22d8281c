"""Which roles somebody has somewhere, in the end: assigned to him or to a group of his, and what they imply.

Roles are named by their ids here: the uuid of one that administrators made up, the name of one of ``FIXED``.
What membership and administration give by themselves is not found here but in ``accounts.tokens``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Project
from synnefo.astakos.roles.models import Assignment, Implication, Role

if TYPE_CHECKING:
    from synnefo.astakos.accounts.models import User

ADMIN, MEMBER, READER = "admin", "member", "reader"
#: The roles without a row: each with those that it implies directly.
FIXED = {ADMIN: (MEMBER,), MEMBER: (READER,), READER: ()}
SYSTEM, DOMAIN = "system", "domain:"


def assigned_to(user: object) -> Q:
    """Assignments to a user (a number, or a reference of a query), be it through a group."""
    return Q(user=user) | Q(group__user=user)


def in_scope(scope: str) -> QuerySet[Assignment]:
    """Assignments that count in the scope of a token without a project: ``system``, ``domain:`` and which."""
    if scope == SYSTEM:
        return Assignment.objects.filter(system=True)
    return Assignment.objects.filter(domain=scope.removeprefix(DOMAIN))


def open_to(user: User) -> QuerySet[Project]:
    """Running projects that a user can have a token for: he is a member, or was given another role there."""
    members = projects.projects_of(user).order_by().values("pk")
    assigned = Assignment.objects.filter(assigned_to(user.pk)).values("project")
    return Project.objects.filter(Q(pk__in=members) | Q(pk__in=assigned), state=Project.State.NORMAL)


def roles_in_project(user_id: int, project_id: int) -> frozenset[str]:
    """Of roles that are good in one domain only what they imply counts."""
    return _of(Assignment.objects.filter(assigned_to(user_id), project=project_id))


def roles_in_scope(user_id: int, scope: str) -> frozenset[str]:
    return _of(in_scope(scope).filter(assigned_to(user_id)))


def with_implied(roles: Iterable[str]) -> frozenset[str]:
    """These roles and all that they imply, directly or not."""
    found = set(roles)
    rows = list(Implication.objects.values_list("prior", "implied")) if found - FIXED.keys() else []
    while True:
        more = {implied for prior, implied in rows if prior in found}
        more |= {implied for role in found & FIXED.keys() for implied in FIXED[role]}
        if more <= found:
            return frozenset(found)
        found |= more


def _of(rows: QuerySet[Assignment]) -> frozenset[str]:
    roles = with_implied(rows.values_list("role", flat=True))
    if not roles - FIXED.keys():
        return roles
    local = Role.objects.filter(uuid__in=roles, domain__isnull=False)
    return roles - set(local.values_list("uuid", flat=True))
