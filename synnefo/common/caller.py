"""Who asks: the value that every rule takes first.

A ``Caller`` is made once a request (from a token, a session or a command) and never changed. The
scope says what he sees: with ``Scope.OWNER`` (identity v2.0, Synnefo's facade) what is his and what is
shared to a project of his; with ``Scope.PROJECT`` (identity v3, OpenStack's facade) what belongs to the
token's project; with ``Scope.CLOUD``, which administrators alone have (at their dashboard, and in what they
do for other projects), everything.
``visible`` is the only place where this is written as a query.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)


class Scope(enum.Enum):
    OWNER = "owner"
    PROJECT = "project"
    CLOUD = "cloud"


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """A user acting with some rights. Ids are uuids as text; that of somebody unknown is empty.

    ``referrer`` is the page that a browser says it comes from. ``by`` is the administrator who acts in place
    of the user, if one does. Who is ``confined`` to his project reaches no other, whatever he is.
    """

    user: str
    project: str
    projects: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    scope: Scope = Scope.OWNER
    is_admin: bool = False
    name: str = ""
    request_id: str = ""
    address: str = ""
    shares: bool = False
    referrer: str = ""
    by: str = ""
    confined: bool = False

    @property
    def actor(self) -> str:
        """Who is told to have done it."""
        return self.by or self.user

    @property
    def shares_by_default(self) -> bool:
        """Whether what he creates is shared: if he says so; in project scope and above in any but his own."""
        return self.shares or (self.scope is not Scope.OWNER and self.project != self.user)

    def in_project(self, project: str, *, shares: bool = False) -> Caller:
        """The same caller, acting in another project of his; ``shares``: what he makes is for all of it."""
        return dataclasses.replace(self, project=project, shares=shares)

    def everywhere(self) -> Caller:
        """The same caller with all that is his in sight, not what is one project's alone."""
        return dataclasses.replace(self, scope=Scope.OWNER)

    def over_all(self) -> Caller:
        """The same caller; an administrator has everybody's things in sight."""
        reaches = self.is_admin and not self.confined
        return dataclasses.replace(self, scope=Scope.CLOUD) if reaches else self

    def in_place_of(self, user: str, project: str) -> Caller:
        """The same caller, making what is another user's; without a user, what is all of a project's."""
        return dataclasses.replace(self, user=user, project=project, by=self.actor)


def system_caller(name: str = "system") -> Caller:
    """The cloud itself: periodic work and management commands."""
    return Caller(user="", project="", is_admin=True, name=name)


def anonymous_caller(*, request_id: str = "", address: str = "", referrer: str = "") -> Caller:
    """Whoever comes without a token: what is open to everybody is open to him."""
    return Caller(
        user="", project="", name="anonymous", request_id=request_id, address=address, referrer=referrer
    )


def visible(rows: QuerySet[M], caller: Caller) -> QuerySet[M]:
    """Rows with userid, project and shared_to_project that the caller may see."""
    if caller.is_admin and (not caller.user or caller.scope is Scope.CLOUD):
        return rows
    own = Q(userid=caller.user)
    shared = Q(shared_to_project=True)
    if caller.scope is Scope.PROJECT:
        return rows.filter(Q(project=caller.project) & (own | shared))
    return rows.filter(own | (shared & Q(project__in=caller.projects)))
