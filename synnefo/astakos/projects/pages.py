"""Pages of projects: one's own, those that one can join, one project, what happened in it."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path

from synnefo.astakos.projects import access
from synnefo.astakos.projects.activity import events, told
from synnefo.astakos.projects.applications_shown import applications_shown
from synnefo.astakos.projects.deeds import DEEDS, Deed, offers, what_became
from synnefo.astakos.projects.models import Membership, Project, ProjectApplication
from synnefo.astakos.projects.shown import ProjectShown, see, shown
from synnefo.astakos.quotas.shown import uses_of
from synnefo.audit.models import AuditEvent
from synnefo.common.caller import Caller
from synnefo.common.faults import Fault, Forbidden, ItemNotFound
from synnefo.common.listing import Listing
from synnefo.common.pages import CALM_REFRESH_S, across, form_page, go, living

_APPLICATIONS = 20
_COLUMNS = {
    "name": ("Name", ("is_base", "realname", "id")),
    "members": ("Members", ("members", "id")),
    "ends": ("Ends", ("end_date", "id")),
}
MINE: Listing[Project] = Listing(
    path="/ui/projects/",
    noun="project",
    columns=_COLUMNS,
    usual="name",
    find=access.named,
    states={
        "active": Q(state=Project.State.NORMAL),
        "waiting": Q(state=Project.State.UNINITIALIZED),
        "stopped": Q(state__in=(Project.State.SUSPENDED, Project.State.TERMINATED)),
    },
)
JOINABLE: Listing[Project] = Listing(
    path="/ui/projects/joinable/", noun="project", columns=_COLUMNS, usual="name", find=access.named
)


@living("astakos/projects")
@across
def mine(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    return _list(request, caller, MINE, _with_members(_of(caller)))


@living("astakos/projects_joinable")
@across
def joinable(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    return _list(request, caller, JOINABLE, _with_members(access.joinable_by(caller)))


@living("astakos/project", gone=("The project is not there any more.", "projects"))
@across
def detail(request: HttpRequest, caller: Caller, uuid: str) -> Mapping[str, object]:
    found = see(caller, uuid)
    rows = access.applications_for(caller).filter(project=found.project).order_by("-pk")
    applications = applications_shown(caller, rows[:_APPLICATIONS])
    first, more = offers(found)
    unsettled = (ProjectApplication.State.PENDING, ProjectApplication.State.DENIED)
    return {
        "shown": found,
        "offers": first,
        "more_offers": more,
        "uses": uses_of(caller, found.project, member=found.is_member) if found.inside else [],
        "limits": found.limits(),
        "applications": applications,
        "last_application": next((one for one in applications[:1] if one.row.state in unsettled), None),
        "refresh_s": CALM_REFRESH_S,
    }


@form_page
@across
def act(request: HttpRequest, caller: Caller, uuid: str, name: str) -> HttpResponse:
    """Asked: what it means. Told: it is done."""
    found, deed = see(caller, uuid), DEEDS.get(name)
    if deed is None:
        raise ItemNotFound("There is no such action.")
    if request.method == "POST":
        try:
            deed.rule(caller, found, request.POST.get("reason", "").strip())
        except Fault as fault:
            messages.error(request, f"{found.name}: {fault.message}")
        else:
            return _done(request, caller, found, deed)
        return go(request, "project", uuid)
    context = {
        "shown": found,
        "deed": deed,
        "url": resolve_url("project-act", uuid, name),
        "next": resolve_url("project", uuid),
    }
    return render(request, "astakos/project_act.html", context)


@living("astakos/project_activity")
@across
def activity(request: HttpRequest, caller: Caller, uuid: str) -> Mapping[str, object]:
    found = see(caller, uuid)
    if not found.inside:
        raise Forbidden("What happens in a project is shown to its members.")
    listing: Listing[AuditEvent] = Listing(
        path=f"/ui/projects/{uuid}/activity/",
        noun="event",
        columns={"at": ("When", ("id",))},
        usual="-at",
        find=lambda rows, words: rows.filter(Q(action__icontains=words) | Q(actor_name__icontains=words)),
    )
    context = listing.context(events(found), request.GET)
    return {
        **context,
        "shown": found,
        "deeds": told(caller, context["page"]),
        "refresh_s": CALM_REFRESH_S,
    }


def _done(request: HttpRequest, caller: Caller, before: ProjectShown, deed: Deed) -> HttpResponse:
    """On to the project as it is now, as far as he still sees it."""
    uuid = before.project.uuid
    try:
        now = see(caller, uuid)
    except Fault:
        messages.success(request, f"{before.name}: {what_became(before, deed)}.")
        return go(request, "projects")
    messages.success(request, f"{before.name}: {what_became(now, deed)}.")
    return go(request, "project", uuid)


def _of(caller: Caller) -> QuerySet[Project]:
    """Owned, joined, or asked to be joined; what came to nothing is left out."""
    member = Membership.objects.filter(person__uuid=caller.user, state__in=Membership.ASSOCIATED)
    rows = access.projects_for(caller).exclude(state=Project.State.DELETED)
    return rows.filter(Q(owner__uuid=caller.user) | Q(pk__in=member.values("project")))


def _with_members(rows: QuerySet[Project]) -> QuerySet[Project]:
    accepted = Q(memberships__state__in=Membership.ACCEPTED_TYPE)
    counted = rows.annotate(members=Count("memberships", filter=accepted, distinct=True))
    return counted.select_related("owner", "last_application")


def _list(
    request: HttpRequest, caller: Caller, listing: Listing[Project], rows: QuerySet[Project]
) -> dict[str, object]:
    context = listing.context(rows, request.GET)
    projects: list[ProjectShown] = shown(caller, context["page"])
    return {**context, "projects": projects, "refresh_s": CALM_REFRESH_S}


urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/", mine.page, name="projects"),
    path("projects/rows/", mine.part, name="project-rows"),
    path("projects/joinable/", joinable.page, name="projects-joinable"),
    path("projects/joinable/rows/", joinable.part, name="project-joinable-rows"),
    path("projects/<slug:uuid>/", detail.page, name="project"),
    path("projects/<slug:uuid>/facts/", detail.part, name="project-facts"),
    path("projects/<slug:uuid>/act/<slug:name>/", act, name="project-act"),
    path("projects/<slug:uuid>/activity/", activity.page, name="project-activity"),
    path("projects/<slug:uuid>/activity/rows/", activity.part, name="project-activity-rows"),
]
