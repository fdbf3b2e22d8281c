"""Who sees and manages which projects, applications and memberships: the doors to all of them.

Administrators of projects (administrators, and the users that ``ASTAKOS_PROJECT_ADMINS`` names) see and
manage all. An owner manages his projects. Members see theirs; everybody sees those that run and are not
private. A token that is confined to a project reaches that one alone.
"""

from __future__ import annotations

from django.conf import settings
from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from synnefo.astakos.projects.models import Membership, Policy, Project, ProjectApplication
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import Forbidden, ItemNotFound

NO_PERMISSION = "You do not have the permissions to perform this action."
NO_MEMBERSHIP = "This is not a valid membership request."

_PUBLIC = Q(state=Project.State.NORMAL, private=False)


def is_project_admin(caller: Caller) -> bool:
    return caller.is_admin or (bool(caller.user) and caller.user in settings.ASTAKOS_PROJECT_ADMINS)


def require_admin(caller: Caller) -> None:
    """Raises Forbidden."""
    if not is_project_admin(caller):
        raise Forbidden(NO_PERMISSION)


def owns(caller: Caller, project: Project) -> bool:
    return project.owner is not None and project.owner.uuid == caller.user


def manages(caller: Caller, project: Project) -> bool:
    return is_project_admin(caller) or owns(caller, project)


def projects_for(caller: Caller) -> QuerySet[Project]:
    """All projects that the caller may look at, in whatever state, with their owners."""
    rows = _within(caller, Project.objects.select_related("owner"))
    if is_project_admin(caller):
        return rows
    return rows.filter(_related(caller) | _PUBLIC)


def related_to(caller: Caller) -> QuerySet[Project]:
    """Of these the ones that are his: owned, or with a membership that was accepted."""
    return projects_for(caller).filter(_related(caller))


def joined_by(caller: Caller) -> QuerySet[Project]:
    """Of these the ones where he is a member and that run."""
    member = _is_member(caller, *Membership.ACTUALLY_ACCEPTED)
    return projects_for(caller).filter(member, state=Project.State.NORMAL)


def public(caller: Caller) -> QuerySet[Project]:
    """Of these the ones that run and are not private."""
    return projects_for(caller).filter(_PUBLIC)


def joinable_by(caller: Caller) -> QuerySet[Project]:
    """Projects that he could join now, or ask to: public, open, with room, and not his already."""
    rows = public(caller).exclude(member_join_policy=Policy.CLOSED)
    return rows.filter(~_is_member(caller, *Membership.ASSOCIATED), max_members__gt=members())


def named(rows: QuerySet[Project], text: str) -> QuerySet[Project]:
    """Those in whose name or description a text occurs."""
    return rows.filter(Q(realname__icontains=text) | Q(description__icontains=text))


def project_of(caller: Caller, uuid: str) -> Project:
    """A project that the caller may look at.

    Raises ItemNotFound; Forbidden for what does not run (yet, or any more) and is not his.
    """
    project = projects_for(caller).filter(uuid=uuid).first()
    if project is None:
        if _within(caller, Project.objects.filter(uuid=uuid, private=False)).exists():
            raise Forbidden(NO_PERMISSION)
        raise ItemNotFound(f"There is no project identified by {uuid}.")
    return project


def managed_project(caller: Caller, uuid: str) -> Project:
    """A project that the caller owns or may manage. Raises ItemNotFound, Forbidden."""
    project = project_of(caller, uuid)
    if not manages(caller, project):
        raise Forbidden(NO_PERMISSION)
    return project


def applications_for(caller: Caller) -> QuerySet[ProjectApplication]:
    """All applications that the caller may look at: his own, those for what he owns, or all."""
    rows = ProjectApplication.objects.select_related("project__owner", "applicant", "owner", "response_actor")
    rows = rows.prefetch_related("grants__resource")
    if caller.scope is Scope.PROJECT:
        rows = rows.filter(project__uuid=caller.project)
    if is_project_admin(caller):
        return rows
    return rows.filter(Q(applicant__uuid=caller.user) | Q(project__owner__uuid=caller.user))


def pending_applications(caller: Caller) -> QuerySet[ProjectApplication]:
    """What waits for a decision and that the caller may decide, oldest first."""
    rows = applications_for(caller).filter(state=ProjectApplication.State.PENDING).order_by("pk")
    return rows if is_project_admin(caller) else rows.none()


def application_of(caller: Caller, number: int, project: str | None = None) -> ProjectApplication:
    """An application by its number, of this project. Raises ItemNotFound."""
    rows = applications_for(caller).filter(pk=number)
    found = (rows if project is None else rows.filter(project__uuid=project)).first()
    if found is None:
        raise ItemNotFound(f"There is no application {number}.")
    return found


def memberships_for(caller: Caller) -> QuerySet[Membership]:
    """The caller's memberships and those in projects that he owns, or all; with what ``actions`` looks at."""
    rows = Membership.objects.select_related("person", "project__owner")
    rows = rows.annotate(members=members("project"))
    if caller.scope is Scope.PROJECT:
        rows = rows.filter(project__uuid=caller.project)
    if is_project_admin(caller):
        return rows
    return rows.filter(Q(person__uuid=caller.user) | Q(project__owner__uuid=caller.user))


def membership_of(caller: Caller, number: int) -> Membership:
    """Raises ItemNotFound; Forbidden for somebody else's."""
    membership = memberships_for(caller).filter(pk=number).first()
    if membership is None:
        if Membership.objects.filter(pk=number).exists():
            raise Forbidden(NO_PERMISSION)
        raise ItemNotFound(NO_MEMBERSHIP)
    return membership


def members(project: str = "pk") -> Coalesce:
    """For queries: how many members a project has, the suspended among them."""
    rows = Membership.objects.filter(project=OuterRef(project), state__in=Membership.ACCEPTED_TYPE).order_by()
    counts = rows.values("project").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counts), 0, output_field=IntegerField())


def _related(caller: Caller) -> Q:
    return Q(owner__uuid=caller.user) | Q(_is_member(caller, *Membership.ACCEPTED_TYPE))


def _is_member(caller: Caller, *states: Membership.State) -> Exists:
    return Exists(
        Membership.objects.filter(project=OuterRef("pk"), person__uuid=caller.user, state__in=states)
    )


def _within(caller: Caller, rows: QuerySet[Project]) -> QuerySet[Project]:
    return rows.filter(uuid=caller.project) if caller.scope is Scope.PROJECT else rows
