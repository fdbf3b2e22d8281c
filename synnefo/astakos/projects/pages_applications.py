"""Pages of applications: for a project, for changes of one, for handing one over; and their queue."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path

from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects import access, applications, wishes
from synnefo.astakos.projects.applications_shown import ApplicationShown, applications_shown
from synnefo.astakos.projects.forms import ProjectForm
from synnefo.astakos.projects.models import Project, ProjectApplication
from synnefo.astakos.projects.same_request import same_application
from synnefo.astakos.projects.shown import see
from synnefo.astakos.projects.wishes import Wish
from synnefo.astakos.quotas import reading
from synnefo.astakos.shown import shown_resources
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault, Forbidden
from synnefo.common.listing import Listing
from synnefo.common.pages import CALM_REFRESH_S, across, action, form_page, go, living

_STATE = ProjectApplication.State
_LONGEST = 4096


def _find(rows: QuerySet[ProjectApplication], words: str) -> QuerySet[ProjectApplication]:
    """By project, or who applied."""
    return rows.filter(
        Q(project__realname__icontains=words)
        | Q(name__icontains=words)
        | Q(applicant__email__icontains=words)
    )


OWN = Listing(
    path="/ui/projects/applications/",
    noun="application",
    columns={"state": ("State", ("state", "id")), "issued": ("When", ("issued", "id"))},
    usual="-issued",
    find=_find,
    states={
        "waiting": Q(state=_STATE.PENDING),
        "approved": Q(state=_STATE.APPROVED),
        "denied": Q(state__in=(_STATE.DENIED, _STATE.DISMISSED)),
    },
)
REVIEWED = dataclasses.replace(OWN, path="/ui/reviews/applications/")


class AnswerForm(forms.Form):
    reason = forms.CharField(max_length=_LONGEST, required=False)
    reactivate = forms.BooleanField(required=False)


class HandOverForm(forms.Form):
    email = forms.CharField(
        max_length=254, error_messages={"required": "Say to whom, by his e-mail address."}
    )
    comments = forms.CharField(max_length=_LONGEST, required=False)


@living("astakos/applications")
@across
def mine(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    rows = access.applications_for(caller).filter(applicant__uuid=caller.user)
    return _list(request, caller, OWN, rows)


@living("astakos/review_applications")
@across
def queue(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    access.require_admin(caller)
    return _list(request, caller, REVIEWED, access.applications_for(caller))


@living("astakos/application")
@across
def detail(request: HttpRequest, caller: Caller, number: int) -> Mapping[str, object]:
    return _detail(caller, _application(caller, number))


@form_page
@across
def apply(request: HttpRequest, caller: Caller) -> HttpResponse:
    """A new project: its form, the summary, and back, all at one address."""
    form = ProjectForm(shown_resources(), request.POST if request.method == "POST" else None)
    return _steps(request, caller, form)


@form_page
@across
def modify(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Changes of a project: the same."""
    return _steps(request, caller, _form_of_changes(request, access.managed_project(caller, uuid)))


@action
@across
def same(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What is typed so far, as a command."""
    form = ProjectForm(shown_resources(), request.POST)
    return render(request, "parts/same_again.html", {"same": same_application(form)})


@action
@across
def same_changes(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    form = _form_of_changes(request, access.managed_project(caller, uuid))
    return render(request, "parts/same_again.html", {"same": same_application(form)})


@action
@across
def answer(request: HttpRequest, caller: Caller, number: int) -> HttpResponse:
    """``do``: approve, deny, cancel, dismiss."""
    form = AnswerForm(request.POST)
    form.is_valid()
    said, do = form.cleaned_data, request.POST.get("do", "")
    reason = said.get("reason", "")
    try:
        if do == "approve":
            applications.approve(caller, number, reason=reason, reactivate=said["reactivate"])
        elif do == "deny":
            applications.deny(caller, number, reason=reason)
        elif do == "dismiss":
            applications.dismiss(caller, number)
        else:
            applications.cancel(caller, number)
    except Fault as fault:
        messages.error(request, fault.message)
        return go(request, "application", number)
    messages.success(request, f"Application {number}: {_DONE.get(do, _DONE['cancel'])}.")
    return go(request, "review-applications" if do in ("approve", "deny") else "applications")


@form_page
@across
def hand_over(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Ask that somebody else become the owner."""
    shown = see(caller, uuid)
    if not shown.manages:
        raise Forbidden("Only its owner hands a project over.")
    form = HandOverForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        email = form.cleaned_data["email"].strip().lower()
        heir = User.objects.filter(username=email, is_active=True).first()
        if heir is None:
            form.add_error("email", "Nobody with this e-mail address can own a project.")
        else:
            wish = Wish(owner=heir.uuid, comments=form.cleaned_data["comments"])
            try:
                made = applications.submit_change(caller, uuid, wish)
            except Fault as fault:
                form.add_error(None, fault.message)
            else:
                return _sent(request, made)
    context = {"shown": shown, "form": form}
    return render(request, "astakos/project_hand_over.html", context, status=422 if form.errors else 200)


_DONE = {
    "approve": "approved",
    "deny": "denied",
    "cancel": "taken back",
    "dismiss": "dismissed",
}


def _form_of_changes(request: HttpRequest, project: Project) -> ProjectForm:
    limits = {row.resource.name: row for row in project.limits.select_related("resource")}
    data = request.POST if request.method == "POST" else None
    return ProjectForm(shown_resources(), data, project=project, limits=limits)


def _steps(request: HttpRequest, caller: Caller, form: ProjectForm) -> HttpResponse:
    """The form; ``do`` it with ``summary`` to be shown what it says, with ``submit`` to send it."""
    do = request.POST.get("do", "") if request.method == "POST" else ""
    blocked = _blocked(caller, form.project)
    goes_on = do in ("summary", "submit")
    if not goes_on or blocked or not _makes_sense(form):
        return _show_form(request, form, blocked, refused=goes_on)
    if do == "summary":
        return _show_summary(request, form)
    try:
        made = _submit(caller, form)
    except Fault as fault:
        form.add_error(None, fault.message)
        return _show_form(request, form, "", refused=True)
    return _sent(request, made)


def _makes_sense(form: ProjectForm) -> bool:
    """Whether it could be sent; if not, the form says why."""
    if not form.is_valid():
        return False
    try:
        wishes.check(form.wish())
    except BadRequest as fault:
        form.add_error("name" if "name" in fault.message.lower() else None, fault.message)
    return not form.errors


def _submit(caller: Caller, form: ProjectForm) -> ProjectApplication:
    if form.project is None:
        return applications.submit(caller, form.wish())
    return applications.submit_change(caller, form.project.uuid, form.wish())


def _sent(request: HttpRequest, made: ProjectApplication) -> HttpResponse:
    messages.success(request, "The application is sent. The answer is shown here, and comes by mail.")
    return go(request, "application", made.pk)


def _show_form(request: HttpRequest, form: ProjectForm, blocked: str, *, refused: bool) -> HttpResponse:
    project = form.project
    name, about = ("project-modify-same", [project.uuid]) if project else ("project-apply-same", [])
    context = {
        "form": form,
        "project": project,
        "rows": form.rows(),
        "blocked": blocked,
        "refused": refused,
        "same": same_application(form if form.is_bound else _filled(form)),
        "same_url": resolve_url(name, *about),
        "back": _back(project),
    }
    return render(request, "astakos/project_form.html", context, status=422 if refused else 200)


def _show_summary(request: HttpRequest, form: ProjectForm) -> HttpResponse:
    typed = {name: form[name].value() for name in form.fields}
    context = {
        "form": form,
        "project": form.project,
        "differences": form.differences(),
        "typed": {name: value for name, value in typed.items() if value not in (None, "", False)},
        "back": _back(form.project),
    }
    return render(request, "astakos/project_summary.html", context)


def _back(project: Project | None) -> str:
    return resolve_url("project", project.uuid) if project else resolve_url("projects")


def _filled(form: ProjectForm) -> ProjectForm:
    """As if what is proposed had been typed."""
    data = {name: form[name].value() for name in form.fields}
    typed = {name: value for name, value in data.items() if value not in (None, False)}
    return ProjectForm(form.resources, typed, project=form.project, limits=form.limits)


def _blocked(caller: Caller, project: Project | None) -> str:
    """Why he cannot apply now; empty if he can. A new application replaces one that waits for the same."""
    if access.is_project_admin(caller):
        return ""
    waiting = ProjectApplication.objects.filter(state=_STATE.PENDING, applicant__uuid=caller.user)
    if project is not None and waiting.filter(project=project).exists():
        return ""
    use = reading.of_user(caller.user, projects=[caller.user], resources=[applications.PENDING])
    own = use.get(caller.user, {}).get(applications.PENDING)
    if own is not None and reading.reachable(own) > own.usage:
        return ""
    number = own.usage if own else 0
    if not number:
        return "You may not apply for projects. An administrator can allow it."
    many = f"{number} of your applications wait" if number > 1 else "One of your applications waits"
    return f"{many} for an answer, and you may have no more waiting. Take one back, or wait."


def _application(caller: Caller, number: int) -> ApplicationShown:
    return applications_shown(caller, [access.application_of(caller, number)])[0]


def _detail(caller: Caller, shown: ApplicationShown) -> dict[str, Any]:
    row = shown.row
    last = row.project.last_application_id == row.pk
    return {
        "shown": shown,
        "differences": shown.differences(),
        "decides": row.is_pending and last and access.is_project_admin(caller),
        "may_cancel": row.is_pending and last and shown.own,
        "may_dismiss": row.state == _STATE.DENIED and last and shown.own,
        "refresh_s": CALM_REFRESH_S,
    }


def _list(
    request: HttpRequest, caller: Caller, listing: Listing[ProjectApplication],
    rows: QuerySet[ProjectApplication],
) -> dict[str, object]:  # fmt: skip
    context = listing.context(rows, request.GET)
    found = applications_shown(caller, context["page"])
    return {**context, "applications": found, "refresh_s": CALM_REFRESH_S}


urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/apply/", apply, name="project-apply"),
    path("projects/apply/same/", same, name="project-apply-same"),
    path("projects/applications/", mine.page, name="applications"),
    path("projects/applications/rows/", mine.part, name="application-rows"),
    path("projects/applications/<int:number>/", detail.page, name="application"),
    path("projects/applications/<int:number>/facts/", detail.part, name="application-facts"),
    path("projects/applications/<int:number>/answer/", answer, name="application-answer"),
    path("projects/<slug:uuid>/modify/", modify, name="project-modify"),
    path("projects/<slug:uuid>/modify/same/", same_changes, name="project-modify-same"),
    path("projects/<slug:uuid>/hand-over/", hand_over, name="project-hand-over"),
    path("reviews/applications/", queue.page, name="review-applications"),
    path("reviews/applications/rows/", queue.part, name="review-application-rows"),
]
