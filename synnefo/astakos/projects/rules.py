"""System projects, limits, and direct changes of projects by administrators; what follows for quota.

Limits of holdings are derived (``holdings``). Every rule of this room that changes what they follow from
syncs in the same transaction. Other rules: ``applications``, ``life`` (states and ends), ``memberships``;
who may see and manage what: ``access``.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.projects import overquota
from synnefo.astakos.projects.history import (
    last_reason,
    locked,
    move_membership,
    move_project,
    save_unique,
)
from synnefo.astakos.projects.holdings import derived
from synnefo.astakos.projects.models import Membership, Policy, Project, ProjectLimit, ProjectLog
from synnefo.astakos.quotas import rules as quotas
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.common.fields import check_fields
from synnefo.common.transactions import atomic

if TYPE_CHECKING:
    from synnefo.astakos.accounts.models import User

ACCESS = Q(state__in=Membership.ACTUALLY_ACCEPTED, project__state=Project.State.NORMAL)
USER_DEACTIVATION = "user_deactivation"

FIXED_OF_SYSTEM_PROJECTS = frozenset({"realname", "owner", "homepage", "description"})
MODIFIABLE = FIXED_OF_SYSTEM_PROJECTS | {
    "end_date",
    "member_join_policy",
    "member_leave_policy",
    "max_members",
    "private",
}

FIXED = "Name, owner, homepage and description of a system project are fixed."
_A_CENTURY = datetime.timedelta(days=36525)
_SYNC_BATCH = 200


def get(uuid: str) -> Project:
    """A project that was started once. Raises ItemNotFound."""
    project = Project.objects.filter(uuid=uuid, state__in=Project.INITIALIZED).first()
    if project is None:
        raise ItemNotFound(f"No project with UUID {uuid!r}.")
    return project


def find(text: str) -> Project:
    """A project in any state by uuid or number, as commands name it. Raises ItemNotFound."""
    wanted = Q(uuid=text)
    if text.isascii() and text.isdigit() and len(text) < 19:
        wanted |= Q(pk=int(text))
    project = Project.objects.filter(wanted).select_related("owner", "last_application").first()
    if project is None:
        raise ItemNotFound(f"No project {text!r}.")
    return project


def projects_of(user: User) -> QuerySet[Project]:
    """Projects in which the user may work now."""
    members = Membership.objects.filter(ACCESS, person=user)
    return Project.objects.filter(pk__in=members.values("project")).order_by("-is_base", "realname", "pk")


def create_system_project(caller: Caller, user: User) -> Project:
    """The project that every accepted user has; it carries his uuid. Made once, kept for good."""
    with atomic():
        existing = Project.objects.filter(uuid=user.uuid).first()
        if existing is not None:
            if not existing.is_base:
                raise Conflict(f"A project has the UUID {user.uuid} already.")
            return existing
        project = Project.objects.create(
            uuid=user.uuid,
            realname=f"system:{user.uuid}",
            name=f"system:{user.uuid}",
            description=f"system project for user {user.email}",
            is_base=True,
            state=Project.State.NORMAL,
            private=True,
            member_join_policy=Policy.CLOSED,
            member_leave_policy=Policy.CLOSED,
            max_members=1,
            end_date=timezone.now() + _A_CENTURY,
        )
        ProjectLog.objects.create(project=project, to_state=project.state, actor=caller.user)
        fill_limits([project], Resource.objects.all())
        _add_member(caller, project, user)
        sync([project])
    return project


def fill_limits(projects: Iterable[Project], resources: Iterable[Resource]) -> None:
    """Give projects the default limits of resources for which they have none yet."""
    resources = list(resources)
    limits = []
    for project in projects:
        for resource in resources:
            amount = resource.system_default if project.is_base else resource.project_default
            limits.append(
                ProjectLimit(
                    project=project, resource=resource, project_capacity=amount, member_capacity=amount
                )
            )
    ProjectLimit.objects.bulk_create(limits, batch_size=_SYNC_BATCH, ignore_conflicts=True)


def set_limits(caller: Caller, project: Project, limits: Mapping[str, tuple[int, int]]) -> None:
    """Change limits: resource name to (member capacity, project capacity).

    Raises BadRequest for an unknown resource.
    """
    rows = _limits([project], limits)
    with atomic():
        put_limits(rows)
        overquota.check_projects([project], "MODIFY")
        sync([project])
        audit.record(caller, "project.limits", "project", project.uuid, project=project.uuid, limits=limits)


def put_limits(rows: Iterable[ProjectLimit]) -> None:
    """Write limits over those that there are; the caller syncs."""
    ProjectLimit.objects.bulk_create(
        rows,
        batch_size=_SYNC_BATCH,
        update_conflicts=True,
        unique_fields=("project", "resource"),
        update_fields=("member_capacity", "project_capacity"),
    )


def modify(caller: Caller, project: Project, changes: Mapping[str, Any]) -> Project:
    """Change fields of a project by name: those of ``MODIFIABLE``. No member loses his place by it.

    Raises BadRequest for a value that does not fit; Conflict for a name that another running project has, for
    an owner who was not accepted, and for what is fixed of a system project.
    """
    unknown = changes.keys() - MODIFIABLE
    if unknown:
        raise BadRequest(f"Of a project one cannot change {', '.join(sorted(unknown))}.")
    owner = changes.get("owner")
    with atomic():
        if owner is not None:
            type(owner).objects.select_for_update().get(pk=owner.pk)
        row = locked(project)
        if row.is_base and changes.keys() & FIXED_OF_SYSTEM_PROJECTS:
            raise Conflict(FIXED)
        if owner is not None and not owner.is_accepted:
            raise Conflict(f"The account {owner.email} was not accepted: {owner.status}.")
        for name, value in changes.items():
            setattr(row, name, value)
        check_fields(row, changes)
        if "end_date" in changes:
            row.reminded_days = None
        save(row)
        overquota.check_projects([row], "MODIFY")
        audit.record(caller, "project.modify", "project", row.uuid, project=row.uuid, changed=sorted(changes))
    return row


def change_system_projects(
    caller: Caller,
    changes: Mapping[str, Any],
    limits: Mapping[str, tuple[int, int]],
    *,
    exclude: Collection[str] = (),
) -> int:
    """Change fields and limits of all system projects but those excluded; returns how many.

    It is done in batches, each a transaction. Raises BadRequest, Conflict as ``modify`` and ``set_limits``,
    before anything is changed.
    """
    if changes.keys() & FIXED_OF_SYSTEM_PROJECTS:
        raise Conflict(FIXED)
    check_fields(Project(**changes), changes)
    _limits([], limits)
    rows = Project.objects.filter(is_base=True, state__in=Project.INITIALIZED).exclude(uuid__in=exclude)
    numbers = list(rows.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(numbers), _SYNC_BATCH):
        with atomic():
            batch = list(rows.filter(pk__in=numbers[start : start + _SYNC_BATCH]).order_by("pk"))
            _change_batch(batch, changes, limits)
    audit.record(
        caller,
        "project.modify-all",
        "project",
        "system projects",
        changed=sorted(changes),
        limits=dict(limits),
        number=len(numbers),
    )
    return len(numbers)


def suspend_all_of(caller: Caller, user: User) -> None:
    """A user (his row is locked) was deactivated: his own project, his memberships and what he owns stop."""
    with atomic():
        touched = _related_projects(user)
        for project in touched:
            if _is_his(project, user) and project.is_normal:
                move_project(caller, project, Project.State.SUSPENDED, reason=USER_DEACTIVATION)
        for membership in Membership.objects.filter(person=user, state__in=Membership.ACTUALLY_ACCEPTED):
            move_membership(caller, membership, Membership.State.SUSPENDED, reason=USER_DEACTIVATION)
        sync(touched)


def resume_all_of(caller: Caller, user: User) -> None:
    """Undo ``suspend_all_of``; what was suspended for another reason since stays suspended."""
    with atomic():
        touched = _related_projects(user)
        for project in touched:
            suspended = project.state == Project.State.SUSPENDED
            if _is_his(project, user) and suspended and last_reason(project) == USER_DEACTIVATION:
                move_project(caller, project, Project.State.NORMAL, reason=USER_DEACTIVATION)
        for membership in Membership.objects.filter(person=user, state=Membership.State.SUSPENDED):
            if last_reason(membership) == USER_DEACTIVATION:
                move_membership(caller, membership, Membership.State.ACCEPTED, reason=USER_DEACTIVATION)
        sync(touched)


def save(project: Project) -> None:
    """Write a changed project. A running one holds its name. Raises Conflict if another one has it."""
    if project.state in Project.ALIVE:
        project.name = project.realname
    save_unique(project)


def sync(projects: Iterable[Project]) -> None:
    """Derive the limits of all holdings of these projects."""
    uuids = [project.uuid for project in projects]
    for start in range(0, len(uuids), _SYNC_BATCH):
        quotas.set_limits(derived(uuids[start : start + _SYNC_BATCH]))


def sync_member(project: Project, person: User) -> None:
    """The same for the holdings of one user in one project."""
    quotas.set_limits(derived([project.uuid], person=person.uuid))


def _limits(projects: Collection[Project], limits: Mapping[str, tuple[int, int]]) -> list[ProjectLimit]:
    """Rows of limits: resource name to (member, project). Raises BadRequest for an unknown resource."""
    resources = {row.name: row for row in Resource.objects.filter(name__in=limits)}
    for name in limits:
        if name not in resources:
            raise BadRequest(f"No resource is called {name!r}.")
    return [
        ProjectLimit(project=project, resource=resources[name], member_capacity=member, project_capacity=pool)
        for project in projects
        for name, (member, pool) in sorted(limits.items())
    ]


def _change_batch(
    batch: Collection[Project], changes: Mapping[str, Any], limits: Mapping[str, tuple[int, int]]
) -> None:
    if changes:
        Project.objects.filter(pk__in=[project.pk for project in batch]).update(**changes)
    put_limits(_limits(batch, limits))
    overquota.check_projects(batch, "MODIFY")
    if limits:
        quotas.set_limits(derived([project.uuid for project in batch], resources=limits.keys()))


def _add_member(caller: Caller, project: Project, user: User) -> None:
    if not Membership.objects.filter(project=project, person=user).exists():
        move_membership(caller, Membership(project=project, person=user), Membership.State.ACCEPTED)


def _related_projects(user: User) -> list[Project]:
    """What he owns or is in, locked."""
    wanted = (
        Q(uuid=user.uuid) | Q(owner=user) | Q(pk__in=Membership.objects.filter(person=user).values("project"))
    )
    return list(Project.objects.filter(wanted).order_by("pk").select_for_update())


def _is_his(project: Project, user: User) -> bool:
    return project.uuid == user.uuid or project.owner_id == user.pk
