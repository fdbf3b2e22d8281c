"""Applications: for a new project, or for one to be changed. Asked for by owners, decided by administrators.

A pending application counts one of ``astakos.pending_app`` in its applicant's own project, in the
transaction that makes or ends it. There is one pending application of a project: a new one replaces it.
"""

from __future__ import annotations

from collections import Counter

import structlog
from django.db.models import Q, QuerySet
from django.utils import timezone

from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.projects import access, notices, overquota
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.history import locked, move_project
from synnefo.astakos.projects.holdings import derived
from synnefo.astakos.projects.life import EXPIRED
from synnefo.astakos.projects.models import (
    ApplicationGrant,
    Project,
    ProjectApplication,
    ProjectLimit,
    ProjectLog,
)
from synnefo.astakos.projects.wishes import Wish, check
from synnefo.astakos.quotas import clients
from synnefo.astakos.quotas import rules as quotas
from synnefo.astakos.quotas.keys import buckets, merged
from synnefo.audit import rules as audit
from synnefo.common import locks
from synnefo.common.accounts import provisions_for
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound, OverLimit
from synnefo.common.transactions import atomic

log = structlog.get_logger("synnefo.projects")

State = ProjectApplication.State
PENDING = "astakos.pending_app"

#: Fields of an application and the fields of the project that they become.
FIELDS = {
    "name": "realname",
    "owner": "owner",
    "homepage": "homepage",
    "description": "description",
    "end_date": "end_date",
    "member_join_policy": "member_join_policy",
    "member_leave_policy": "member_leave_policy",
    "max_members": "max_members",
    "private": "private",
}
_MAIN = ("name", "owner", "homepage", "description")


def submit(caller: Caller, wish: Wish) -> ProjectApplication:
    """Ask for a new project, which is there at once but does not run. Its owner is the applicant, usually.

    Raises BadRequest, Conflict where too many applications of his wait, Forbidden for a confined token.
    """
    if caller.scope is Scope.PROJECT:
        raise Forbidden("This token is for one project alone.")
    full = wish.for_a_new_project()
    resources = check(full)
    with atomic():
        applicant, owner = _people(caller, wish.owner or caller.user)
        values = {FIELDS[name]: value for name, value in full.values().items() if name in FIELDS}
        project = Project(owner=owner, **values)
        project.save()
        ProjectLog.objects.create(project=project, to_state=project.state, actor=caller.user)
        ProjectLimit.objects.bulk_create(
            ProjectLimit(
                project=project, resource=resources[name], member_capacity=member, project_capacity=pool
            )
            for name, (member, pool) in full.resources.items()
        )
        return _apply(caller, project, applicant, owner, full, resources)


def submit_change(caller: Caller, uuid: str, wish: Wish) -> ProjectApplication:
    """Ask that a project be changed as the wish says; what it does not say stays.

    Raises BadRequest, ItemNotFound, Forbidden (neither owner nor administrator), Conflict (it never started
    or is deleted; main fields of a system project; too many applications wait).
    """
    access.managed_project(caller, uuid)
    resources = check(wish)
    if not wish.values().keys() - {"comments"} and wish.owner is None and not resources:
        raise BadRequest("Nothing is to change.")
    with atomic():
        applicant, owner = _people(caller, wish.owner)
        project = locked(access.managed_project(caller, uuid))
        if project.state not in Project.INITIALIZED:
            raise Conflict(f"Project {uuid} is {project.state_name}.")
        if project.is_base and any(getattr(wish, name) is not None for name in _MAIN):
            raise Conflict(projects.FIXED)
        return _apply(caller, project, applicant, owner, wish, resources)


def approve(
    caller: Caller, number: int, *, project: str | None = None, reason: str = "", reactivate: bool = False
) -> ProjectApplication:
    """Make the project what was asked for; a new one runs from now on.

    One that is suspended or terminated stays so, unless it is to be reactivated. Raises Forbidden,
    ItemNotFound, Conflict (not pending, not the last one; the name is taken).
    """
    found = _decidable(caller, number, project)
    with atomic():
        row = _locked(caller, found, "approve", State.PENDING)
        target = row.project
        starts = target.state == Project.State.UNINITIALIZED
        _copy(row, target)
        again = reactivate and not target.is_normal
        if again and target.has_ended:
            raise Conflict(EXPIRED)
        if starts or again:
            move_project(caller, target, Project.State.NORMAL, reason=reason)
        else:
            projects.save(target)
        if starts:
            projects.fill_limits([target], Resource.objects.all())
        else:
            overquota.check_projects([target], "MODIFY")
        _respond(caller, row, State.APPROVED, reason)
        _hold_together(target, row.applicant)
        projects.sync([target])
        _count({row.applicant.uuid: -1})
        notices.application_approved(row)
    return row


def deny(caller: Caller, number: int, *, project: str | None = None, reason: str = "") -> ProjectApplication:
    """Raises Forbidden, ItemNotFound, Conflict (not pending, not the last one)."""
    found = _decidable(caller, number, project)
    with atomic():
        row = _locked(caller, found, "deny", State.PENDING)
        _respond(caller, row, State.DENIED, reason)
        _count({row.applicant.uuid: -1})
        notices.application_denied(row)
    return row


def cancel(
    caller: Caller, number: int, *, project: str | None = None, reason: str = ""
) -> ProjectApplication:
    """The applicant takes it back; a project that never ran is deleted. Raises as ``deny``."""
    found = _own(caller, number, project)
    with atomic():
        row = _locked(caller, found, "cancel", State.PENDING)
        _waive(caller, row, State.CANCELLED, reason)
        _count({row.applicant.uuid: -1})
    return row


def dismiss(
    caller: Caller, number: int, *, project: str | None = None, reason: str = ""
) -> ProjectApplication:
    """The applicant has read the denial; a project that never ran is deleted. Raises as ``deny``."""
    found = _own(caller, number, project)
    with atomic():
        row = _locked(caller, found, "dismiss", State.DENIED)
        _waive(caller, row, State.DISMISSED, reason)
    return row


def _apply(
    caller: Caller,
    project: Project,
    applicant: User,
    owner: User | None,
    wish: Wish,
    resources: dict[str, Resource],
) -> ProjectApplication:
    earlier = project.applications.filter(state=State.PENDING)
    _charge(caller, applicant, earlier)
    earlier.update(state=State.REPLACED)
    row = ProjectApplication.objects.create(
        project=project, applicant=applicant, owner=owner, **wish.values()
    )
    ApplicationGrant.objects.bulk_create(
        ApplicationGrant(
            application=row, resource=resources[name], member_capacity=member, project_capacity=pool
        )
        for name, (member, pool) in wish.resources.items()
    )
    project.last_application = row
    project.save(update_fields=("last_application",))
    audit.record(caller, "application.submit", "application", row.pk, project=project.uuid)
    notices.application_submitted(row)
    return row


def _people(caller: Caller, owner: str | None) -> tuple[User, User | None]:
    """Applicant and owner, both locked. Raises Forbidden for who is no user, BadRequest for no such owner."""
    uuids = {caller.user, owner or caller.user}
    found = {
        user.uuid: user for user in User.objects.filter(uuid__in=uuids).order_by("pk").select_for_update()
    }
    if caller.user not in found:
        raise Forbidden("Only users apply for projects.")
    if owner is not None and (owner not in found or not found[owner].is_accepted):
        raise BadRequest(f"No accepted user with UUID {owner!r} can be the owner.")
    return found[caller.user], found[owner] if owner is not None else None


def _charge(caller: Caller, applicant: User, earlier: QuerySet[ProjectApplication]) -> None:
    """Count a new application instead of those that it replaces. Raises Conflict at the limit."""
    amounts = Counter(row.applicant.uuid for row in earlier.select_related("applicant"))
    wanted = {uuid: -number for uuid, number in amounts.items()}
    wanted[applicant.uuid] = wanted.get(applicant.uuid, 0) + 1
    try:
        _count(wanted, force=access.is_project_admin(caller))
    except OverLimit as fault:
        most = (fault.data or {}).get("limit", 0)
        raise Conflict(
            f"You have reached the maximum number of pending project applications: {most}."
        ) from fault


def _count(amounts: dict[str, int], *, force: bool = False) -> None:
    """Add to the pending applications of users, by uuid.

    What is given back and was not counted is noted: ``reconcile-resources-astakos`` finds the same.
    """
    provisions = [
        part
        for uuid, amount in sorted(amounts.items())
        for part in provisions_for(uuid, uuid, {PENDING: amount})
    ]
    if not provisions:
        return
    try:
        quotas.issue(provisions, client=clients.IN_PROCESS, name="application", force=force, auto_accept=True)
    except (OverLimit, ItemNotFound) as fault:
        if max(amounts.values()) > 0:
            raise
        log.warning("pending applications were not counted", amounts=amounts, error=fault.message)


def _hold_together(project: Project, applicant: User) -> None:
    """Lock all holdings that change at once: in two steps, two approvals could block each other."""
    counted = merged(provisions_for(applicant.uuid, applicant.uuid, {PENDING: 1}))
    locks.take(locks.Kind.USAGE, buckets([*derived([project.uuid]), *counted]))


def _decidable(caller: Caller, number: int, project: str | None) -> ProjectApplication:
    access.require_admin(caller)
    return access.application_of(caller, number, project)


def _own(caller: Caller, number: int, project: str | None) -> ProjectApplication:
    row = access.application_of(caller, number, project)
    if not (access.is_project_admin(caller) or row.applicant.uuid == caller.user):
        raise Forbidden(access.NO_PERMISSION)
    return row


def _locked(caller: Caller, row: ProjectApplication, verb: str, wanted: State) -> ProjectApplication:
    """The application and its project as they are now; who decides and who will own it are locked before.

    Raises Conflict.
    """
    people = User.objects.filter(Q(pk=row.owner_id) | Q(uuid=caller.user))
    list(people.order_by("pk").select_for_update())
    project = locked(row.project)
    now = ProjectApplication.objects.select_related("applicant", "owner").get(pk=row.pk)
    now.project = project
    if project.last_application_id != now.pk:
        raise Conflict(f"Application {now.pk} is not the last one of project {project.uuid}.")
    if now.state != wanted:
        raise Conflict(f"Cannot {verb} application {now.pk} in state '{now.get_state_display()}'")
    return now


def _copy(row: ProjectApplication, project: Project) -> None:
    """What an application says, into its project."""
    for name, field in FIELDS.items():
        value = getattr(row, name)
        if value is not None:
            setattr(project, field, value)
    if row.end_date is not None:
        project.reminded_days = None
    projects.put_limits(
        ProjectLimit(
            project=project,
            resource=grant.resource,
            member_capacity=grant.member_capacity,
            project_capacity=grant.project_capacity,
        )
        for grant in row.grants.select_related("resource").order_by("resource")
    )


def _respond(caller: Caller, row: ProjectApplication, to: State, reason: str) -> None:
    row.state, row.responded, row.response = to, timezone.now(), reason
    row.response_actor = User.objects.filter(uuid=caller.user).first()
    row.save(update_fields=("state", "responded", "response", "response_actor"))
    _note(caller, row, reason)


def _waive(caller: Caller, row: ProjectApplication, to: State, reason: str) -> None:
    row.state, row.waived, row.waive_reason = to, timezone.now(), reason
    row.waive_actor = User.objects.filter(uuid=caller.user).first()
    row.save(update_fields=("state", "waived", "waive_reason", "waive_actor"))
    if row.project.state == Project.State.UNINITIALIZED:
        move_project(caller, row.project, Project.State.DELETED, reason=reason)
    _note(caller, row, reason)


def _note(caller: Caller, row: ProjectApplication, reason: str) -> None:
    action = f"application.{State(row.state).name.lower()}"
    audit.record(caller, action, "application", row.pk, project=row.project.uuid, reason=reason)
