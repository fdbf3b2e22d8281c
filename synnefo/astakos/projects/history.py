"""Changes of state of projects and memberships, and the log that remembers them. No decisions.

Whoever changes a project has locked its row, and before it, in this order, the rows of the users whose
default project may change by it or who come into it: whoever deactivates a user locks him first and then
his projects.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import IntegrityError
from django.db.models import Max, OuterRef, Q, Subquery
from django.utils import timezone

from synnefo.astakos.projects.models import Membership, MembershipLog, Project, ProjectLog
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict
from synnefo.common.transactions import atomic

if TYPE_CHECKING:
    from synnefo.astakos.accounts.models import User

_DEACTIVATED = (Project.State.SUSPENDED, Project.State.TERMINATED)


def locked(project: Project) -> Project:
    """The project as it is now, and as it stays until the transaction ends."""
    return Project.objects.select_for_update(of=("self",)).select_related("owner").get(pk=project.pk)


def move_project(caller: Caller, project: Project, to: Project.State, *, reason: str = "") -> None:
    """A running project holds its name. Raises Conflict if another one has it."""
    ProjectLog.objects.create(
        project=project, from_state=project.state, to_state=to, actor=caller.user, reason=reason
    )
    project.state = to
    project.name = project.realname if to in Project.ALIVE else None
    save_unique(project)


def move_membership(
    caller: Caller, membership: Membership, to: Membership.State, *, reason: str = ""
) -> None:
    before = None if membership.pk is None else membership.state
    membership.state = to
    membership.initialized |= to in Membership.ACTUALLY_ACCEPTED
    membership.save()
    MembershipLog.objects.create(
        membership=membership, from_state=before, to_state=to, actor=caller.user, reason=reason
    )


def save_unique(project: Project) -> None:
    """Raises Conflict if another running project has the name."""
    try:
        with atomic():
            project.save()
    except IntegrityError as error:
        raise Conflict(f"Another project has the name {project.realname!r}.") from error


def leave_as_default(project: Project, users: Iterable[User]) -> None:
    """Whoever works in this project by default does so in his own again. The users' rows are locked."""
    for user in users:
        if user.default_project == project.uuid:
            user.default_project = user.uuid
            user.save(update_fields=("default_project",))


def last_reason(row: Project | Membership) -> str:
    last = row.log.order_by("-pk").first()
    return last.reason if last is not None else ""


def deactivated() -> Subquery:
    """For queries of projects: when each was suspended or terminated last."""
    entries = ProjectLog.objects.filter(project=OuterRef("pk"), to_state__in=_DEACTIVATED).order_by()
    return Subquery(entries.values("project").annotate(last=Max("at")).values("last"))


def dates(membership: Membership) -> dict[str, datetime.datetime]:
    """By name of state, when the membership came into it last; its ``log`` may be prefetched."""
    found: dict[str, datetime.datetime] = {}
    for entry in sorted(membership.log.all(), key=lambda one: one.at):
        found[Membership.State(entry.to_state).name.lower()] = entry.at
    return found


def ended() -> Q:
    """For queries of projects: those that run past their end."""
    return Q(state__in=Project.ALIVE, is_base=False, end_date__lte=timezone.now())
