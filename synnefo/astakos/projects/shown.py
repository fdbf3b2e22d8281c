"""Projects, memberships and applications as pages show them: words and colours. No decisions."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable

from synnefo.astakos.projects import access
from synnefo.astakos.projects.models import Membership, Policy, Project, ProjectApplication
from synnefo.astakos.shown import UNLIMITED, amount_words, in_order, project_names, title_of
from synnefo.common.caller import Caller
from synnefo.common.shown import State
from synnefo.common.units import INFINITE

_PROJECT = {
    Project.State.NORMAL: State("Active", "green"),
    Project.State.SUSPENDED: State("Suspended", "red"),
    Project.State.TERMINATED: State("Terminated", "secondary"),
    Project.State.DELETED: State("Deleted", "secondary"),
    Project.State.UNINITIALIZED: State("Not approved", "secondary"),
}
#: A project that never ran is in the state of its application.
_BEFORE = {
    ProjectApplication.State.PENDING: State("Pending", "orange"),
    ProjectApplication.State.DENIED: State("Denied", "red"),
    ProjectApplication.State.DISMISSED: State("Dismissed", "secondary"),
    ProjectApplication.State.CANCELLED: State("Cancelled", "secondary"),
}
_APPLICATION = {
    **_BEFORE,
    ProjectApplication.State.APPROVED: State("Approved", "green"),
    ProjectApplication.State.REPLACED: State("Replaced", "secondary"),
}
_MEMBERSHIP = {
    Membership.State.REQUESTED: State("Asks to join", "orange"),
    Membership.State.ACCEPTED: State("Member", "green"),
    Membership.State.LEAVE_REQUESTED: State("Asks to leave", "orange"),
    Membership.State.SUSPENDED: State("Suspended", "red"),
    Membership.State.REJECTED: State("Rejected", "secondary"),
    Membership.State.CANCELLED: State("Cancelled", "secondary"),
    Membership.State.REMOVED: State("Removed", "secondary"),
}
JOINING = {
    Policy.AUTO: "Everybody may join",
    Policy.MODERATED: "The owner accepts who asks",
    Policy.CLOSED: "Closed",
}
LEAVING = {
    Policy.AUTO: "Members may leave",
    Policy.MODERATED: "The owner lets members go",
    Policy.CLOSED: "Closed",
}


def state_of_project(row: Project) -> State:
    """One that never ran is in the state of its application."""
    own, last = Project.State(row.state), row.last_application
    if own in (Project.State.UNINITIALIZED, Project.State.DELETED) and last is not None:
        return _BEFORE.get(ProjectApplication.State(last.state), _PROJECT[own])
    return _PROJECT[own]


def state_of_application(row: ProjectApplication) -> State:
    return _APPLICATION[ProjectApplication.State(row.state)]


def state_of_membership(row: Membership) -> State:
    return _MEMBERSHIP[Membership.State(row.state)]


def count_words(most: int | None) -> str:
    """A greatest number of members."""
    if most is None:
        return ""
    return UNLIMITED if most >= INFINITE else str(most)


@dataclasses.dataclass(frozen=True)
class Limit:
    """A resource's limits in words."""

    title: str
    member: str
    pool: str


@dataclasses.dataclass(frozen=True)
class ProjectShown:
    """A project as the caller sees it; ``membership`` is his own, if he has one."""

    project: Project
    caller: Caller
    name: str
    membership: Membership | None

    @property
    def state(self) -> State:
        return state_of_project(self.project)

    @property
    def owns(self) -> bool:
        return access.owns(self.caller, self.project)

    @property
    def is_own_system(self) -> bool:
        return self.project.is_base and self.project.uuid == self.caller.user

    @property
    def manages(self) -> bool:
        """Whether members and usage of others are shown to him."""
        return access.manages(self.caller, self.project)

    @property
    def is_member(self) -> bool:
        return self.membership is not None and self.membership.state in Membership.ACCEPTED_TYPE

    @property
    def inside(self) -> bool:
        """Whether more than its facts is shown to him."""
        return self.is_member or self.manages

    @property
    def role(self) -> str:
        if self.is_own_system:
            return "Yours"
        words = ["Owner"] if self.owns else []
        if self.membership is not None and self.membership.state in Membership.ASSOCIATED:
            words.append(state_of_membership(self.membership).word)
        return ", ".join(words)

    @functools.cached_property
    def waiting(self) -> int:
        """How many wait for its owner: who asks to join, or to leave."""
        states = (Membership.State.REQUESTED, Membership.State.LEAVE_REQUESTED)
        return self.project.memberships.filter(state__in=states).count()

    @property
    def member_count(self) -> int:
        return self.project.memberships.filter(state__in=Membership.ACCEPTED_TYPE).count()

    @property
    def max_members(self) -> str:
        return count_words(self.project.max_members)

    @property
    def changes_wait(self) -> bool:
        last = self.project.last_application
        runs = self.project.state != Project.State.UNINITIALIZED
        return self.manages and runs and last is not None and last.is_pending

    @property
    def may_join(self) -> bool:
        open_to = self.project.state in Project.ALIVE and self.project.member_join_policy != Policy.CLOSED
        return open_to and (self.membership is None or self.membership.state not in Membership.ASSOCIATED)

    def limits(self) -> list[Limit]:
        """What people are shown of them."""
        rows = self.project.limits.filter(resource__ui_visible=True).select_related("resource")
        found = {row.resource: row for row in rows}
        return [
            Limit(
                title_of(one),
                amount_words(found[one].member_capacity, one.unit),
                amount_words(found[one].project_capacity, one.unit),
            )
            for one in in_order(found)
        ]

    @property
    def joining(self) -> str:
        return JOINING[Policy(self.project.member_join_policy)]

    @property
    def leaving(self) -> str:
        return LEAVING[Policy(self.project.member_leave_policy)]


def see(caller: Caller, uuid: str) -> ProjectShown:
    """Raises ItemNotFound, Forbidden."""
    return shown(caller, [access.project_of(caller, uuid)])[0]


def shown(caller: Caller, projects: Iterable[Project]) -> list[ProjectShown]:
    found = list(projects)
    names = project_names(caller, found)
    rows = Membership.objects.filter(project__in=found, person__uuid=caller.user)
    own = {row.project_id: row for row in rows.select_related("person", "project__owner")}
    return [ProjectShown(row, caller, names[row.uuid], own.get(row.pk)) for row in found]
