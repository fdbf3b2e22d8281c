"""Who comes into a project and who leaves it: rules for persons, owners and administrators.

Every rule locks the person, then the project, and syncs the holdings of that person alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects import access, notices, overquota
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.history import leave_as_default, locked, move_membership
from synnefo.astakos.projects.models import Membership, Policy, Project
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic

State = Membership.State

#: What can be done to a membership, in the order in which the API lists it.
ACTIONS = ("leave", "cancel", "accept", "reject", "remove")
_BY_PERSON = ("leave", "cancel")
_BY_OWNER = ("accept", "reject", "remove")
_FROM = {
    "leave": Membership.ACCEPTED_TYPE,
    "cancel": (State.REQUESTED,),
    "accept": (State.REQUESTED,),
    "reject": (State.REQUESTED,),
    "remove": Membership.ACCEPTED_TYPE,
    "suspend": Membership.ACTUALLY_ACCEPTED,
    "unsuspend": (State.SUSPENDED,),
}
_CLOSED_TO_JOIN = "The Project's member join policy is closed."
_CLOSED_TO_LEAVE = "The project's member leave policy is closed."
_FULL = "The project has as many members as it can have."


def allowed_actions(caller: Caller, row: Membership) -> list[str]:
    """What the caller could do to a membership (of ``access.memberships_for``) right now."""
    return [action for action in ACTIONS if _may(caller, row, action) and not refusal(row, action)]


def refusal(row: Membership, action: str) -> str:
    """Why that cannot be done to a membership, whoever asks; empty if it can."""
    project = row.project
    if action not in ("suspend", "unsuspend") and project.state not in Project.ALIVE:
        return f"Project {project.uuid} is not active."
    if row.state not in _FROM[action]:
        accepted = _FROM[action] != (State.REQUESTED,)
        return "This is not an accepted membership." if accepted else access.NO_MEMBERSHIP
    if action == "accept":
        return _refusal_to_enter(row)
    if action in ("leave", "remove") and project.member_leave_policy == Policy.CLOSED:
        return _CLOSED_TO_LEAVE
    if action == "leave" and row.state == State.SUSPENDED and project.member_leave_policy != Policy.AUTO:
        return "This membership is suspended; the owner of the project decides."
    return ""


def join(caller: Caller, project: str) -> Membership:
    """Become a member where everybody may; else ask to.

    Raises ItemNotFound, Forbidden (it does not run and is not his), Conflict (closed, or his already).
    """
    found = access.project_of(caller, project)
    with atomic():
        person = User.objects.select_for_update().filter(uuid=caller.user).first()
        if person is None:
            raise Forbidden("Only users join projects.")
        row = _of(locked(found), person)
        if row.pk is not None and row.state in Membership.ASSOCIATED:
            raise Conflict("Request or membership already exists.")
        _require_open(row.project)
        move_membership(caller, row, State.REQUESTED)
        enters = row.project.member_join_policy == Policy.AUTO and not _refusal_to_enter(row)
        if enters:
            move_membership(caller, row, State.ACCEPTED)
        overquota.check_membership(row, "JOIN")
        _finish(caller, row, "join" if enters else "request")
        if not enters:
            notices.membership_asked(row)
    return row


def enroll(caller: Caller, project: str, email: str) -> Membership:
    """Take somebody in, whether he asked or not.

    Raises Forbidden; Conflict where something is unknown, closed or full, or he is a member already.
    """
    try:
        found = access.managed_project(caller, project)
    except ItemNotFound as fault:
        raise Conflict(fault.message) from fault
    with atomic():
        person = User.objects.select_for_update().filter(username=email.strip().lower()).first()
        row = _of(locked(found), person) if person is not None else None
        if row is not None:
            _require_open(row.project)
        if row is None or not (row.person.is_accepted and row.person.is_active):
            raise Conflict(f"Unknown users: {email}")
        if row.pk is not None and row.state in Membership.ACCEPTED_TYPE:
            raise Conflict("This person is a member already.")
        if why := _refusal_to_enter(row):
            raise Conflict(why)
        move_membership(caller, row, State.ACCEPTED)
        overquota.check_membership(row, "ENROLL")
        _finish(caller, row, "enroll")
        notices.membership_changed(row, "enrolled")
    return row


def accept(caller: Caller, number: int, *, reason: str = "") -> Membership:
    """Let in who asked. Raises ItemNotFound, Forbidden, Conflict."""
    with _changing(caller, number, "accept", reason) as row:
        move_membership(caller, row, State.ACCEPTED, reason=reason)
        overquota.check_membership(row, "ACCEPT")
        notices.membership_changed(row, "accepted", reason)
    return row


def reject(caller: Caller, number: int, *, reason: str = "") -> Membership:
    """Do not let in who asked. Raises ItemNotFound, Forbidden, Conflict."""
    with _changing(caller, number, "reject", reason) as row:
        move_membership(caller, row, State.REJECTED, reason=reason)
        notices.membership_changed(row, "rejected", reason)
    return row


def cancel(caller: Caller, number: int, *, reason: str = "") -> Membership:
    """Take one's own request back. Raises ItemNotFound, Forbidden, Conflict."""
    with _changing(caller, number, "cancel", reason) as row:
        move_membership(caller, row, State.CANCELLED, reason=reason)
    return row


def leave(caller: Caller, number: int, *, reason: str = "") -> Membership:
    """Leave where everybody may; else ask to. Raises ItemNotFound, Forbidden, Conflict."""
    with _changing(caller, number, "leave", reason) as row:
        if row.project.member_leave_policy == Policy.AUTO:
            move_membership(caller, row, State.REMOVED, reason=reason)
            leave_as_default(row.project, [row.person])
        elif row.state != State.LEAVE_REQUESTED:
            move_membership(caller, row, State.LEAVE_REQUESTED, reason=reason)
            notices.membership_asked(row)
        overquota.check_membership(row, "LEAVE")
    return row


def remove(caller: Caller, number: int, *, reason: str = "") -> Membership:
    """Send a member away, or let go who asked to. Raises ItemNotFound, Forbidden, Conflict."""
    with _changing(caller, number, "remove", reason) as row:
        move_membership(caller, row, State.REMOVED, reason=reason)
        leave_as_default(row.project, [row.person])
        overquota.check_membership(row, "REMOVE")
        notices.membership_changed(row, "removed", reason)
    return row


def suspend(caller: Caller, number: int, *, reason: str = "") -> Membership:
    """An administrator keeps a member from using the project. Raises ItemNotFound, Forbidden, Conflict."""
    with _changing(caller, number, "suspend", reason) as row:
        move_membership(caller, row, State.SUSPENDED, reason=reason)
        overquota.check_membership(row, "SUSPEND")
        notices.membership_changed(row, "suspended", reason)
    return row


def unsuspend(caller: Caller, number: int, *, reason: str = "") -> Membership:
    """Undo ``suspend``. Raises ItemNotFound, Forbidden, Conflict."""
    with _changing(caller, number, "unsuspend", reason) as row:
        move_membership(caller, row, State.ACCEPTED, reason=reason)
        overquota.check_membership(row, "UNSUSPEND")
        notices.membership_changed(row, "unsuspended", reason)
    return row


@contextmanager
def _changing(caller: Caller, number: int, action: str, reason: str) -> Iterator[Membership]:
    """The membership with its person and project locked; what follows is done when the block ends well."""
    found = access.membership_of(caller, number)
    if not _may(caller, found, action):
        raise Forbidden(access.NO_PERMISSION)
    with atomic():
        person = User.objects.select_for_update().get(pk=found.person_id)
        project = locked(found.project)
        row = access.memberships_for(caller).get(pk=number)
        row.person, row.project = person, project
        if why := refusal(row, action):
            raise Conflict(why)
        yield row
        _finish(caller, row, action, reason)


def _finish(caller: Caller, row: Membership, action: str, reason: str = "") -> None:
    projects.sync_member(row.project, row.person)
    audit.record(
        caller,
        f"membership.{action}",
        "membership",
        row.pk,
        project=row.project.uuid,
        person=row.person.uuid,
        reason=reason,
    )


def _may(caller: Caller, row: Membership, action: str) -> bool:
    if access.is_project_admin(caller):
        return True
    if action in _BY_PERSON:
        return row.person.uuid == caller.user
    return action in _BY_OWNER and access.owns(caller, row.project)


def _of(project: Project, person: User) -> Membership:
    """Somebody's membership in a locked project, as it is or not saved yet."""
    row = Membership.objects.filter(project=project, person=person).first() or Membership()
    row.project, row.person = project, person
    return row


def _require_open(project: Project) -> None:
    if project.state not in Project.ALIVE:
        raise Conflict(f"Project {project.uuid} is not active.")
    if project.member_join_policy == Policy.CLOSED:
        raise Conflict(_CLOSED_TO_JOIN)


def _refusal_to_enter(row: Membership) -> str:
    """Why somebody cannot become a member of a project that runs; empty if he can."""
    project = row.project
    if project.member_join_policy == Policy.CLOSED:
        return _CLOSED_TO_JOIN
    if not row.person.is_active:
        return "This account is not active."
    members = getattr(row, "members", None)
    if members is None:
        members = project.memberships.filter(state__in=Membership.ACCEPTED_TYPE).count()
    return "" if members < project.max_members else _FULL
