"""Pages of a project's members, for who manages it: let in, sent away, taken in by e-mail."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path
from django.utils.http import urlencode

from synnefo.astakos.projects import access, memberships
from synnefo.astakos.projects.models import Membership
from synnefo.astakos.projects.shown import see, state_of_membership
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault, Forbidden
from synnefo.common.listing import Listing
from synnefo.common.pages import (
    CALM_REFRESH_S,
    MOST_AT_ONCE,
    across,
    action,
    do_to_each,
    form_page,
    go,
    living,
    local_path,
    ticked,
)

Rule = Callable[..., Membership]

_STATE = Membership.State
_ACTS: dict[str, tuple[str, Rule]] = {
    "accept": ("is a member now", memberships.accept),
    "reject": ("was not let in", memberships.reject),
    "remove": ("is no member any more", memberships.remove),
}


@living("astakos/project_members")
@across
def members(request: HttpRequest, caller: Caller, uuid: str) -> Mapping[str, object]:
    shown = see(caller, uuid)
    if not shown.manages:
        raise Forbidden("The members of a project are shown to its owner.")
    context = _listing(uuid).context(_rows(caller, uuid), request.GET)
    rows = [
        {
            "row": row,
            "state": state_of_membership(row),
            "actions": memberships.allowed_actions(caller, row),
            "since": _since(row),
        }
        for row in context["page"]
    ]
    return {**context, "shown": shown, "members": rows, "refresh_s": CALM_REFRESH_S}


@action
@across
def act(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """``do`` is an action for all ``member``s that are ticked, or ``action:number`` for one."""
    name, _, one = request.POST.get("do", "").partition(":")
    numbers = [one] if one else request.POST.getlist("member")
    back = _back(request.POST, uuid)
    if name == "remove":
        query = urlencode([*(("member", number) for number in numbers), ("next", back)])
        return go(request, f"{resolve_url('project-members-remove', uuid)}?{query}")
    if name not in _ACTS:
        raise BadRequest("There is no such action.")
    _do_to_all(request, caller, _ticked(caller, uuid, numbers), name)
    return go(request, back)


@form_page
@across
def remove(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: who goes. Told: they go."""
    asked = request.POST if request.method == "POST" else request.GET
    rows = _ticked(caller, uuid, asked.getlist("member"))
    back = _back(asked, uuid)
    if request.method == "POST":
        _do_to_all(request, caller, rows, "remove", reason=request.POST.get("reason", "").strip())
        return go(request, back)
    context = {
        "shown": see(caller, uuid),
        "members": rows,
        "url": resolve_url("project-members-remove", uuid),
        "next": back,
    }
    return render(request, "astakos/project_members_remove.html", context)


@form_page
@across
def enroll(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Take in whoever is named; those of whom it is refused stay in the field, with the reasons."""
    shown = see(caller, uuid)
    if not shown.manages:
        raise Forbidden("Only the owner of a project takes people in.")
    typed = [word for word in re.split(r"[\s,;]+", request.POST.get("emails", "")) if word]
    refused: list[tuple[str, str]] = []
    for email in typed[:MOST_AT_ONCE]:
        try:
            memberships.enroll(caller, uuid, email)
        except Fault as fault:
            refused.append((email, fault.message))
        else:
            messages.success(request, f"{email} is a member now, and is told by mail.")
    if request.method == "POST" and typed and not refused:
        return go(request, "project-members", uuid)
    left = [email for email, _ in refused] + typed[MOST_AT_ONCE:]
    posted = request.method == "POST"
    context = {"shown": shown, "refused": refused, "emails": "\n".join(left), "empty": posted and not typed}
    return render(request, "astakos/project_enroll.html", context, status=422 if posted else 200)


def _rows(caller: Caller, uuid: str) -> QuerySet[Membership]:
    rows = access.memberships_for(caller).filter(project__uuid=uuid, state__in=Membership.ASSOCIATED)
    return rows.prefetch_related("log")


def _listing(uuid: str) -> Listing[Membership]:
    def find(rows: QuerySet[Membership], words: str) -> QuerySet[Membership]:
        names = Q(person__first_name__icontains=words) | Q(person__last_name__icontains=words)
        return rows.filter(names | Q(person__email__icontains=words))

    return Listing(
        path=f"/ui/projects/{uuid}/members/",
        noun="person",
        columns={"person": ("E-mail", ("person__username", "id")), "state": ("State", ("state", "id"))},
        usual="state",
        find=find,
        states={
            "waiting": Q(state__in=(_STATE.REQUESTED, _STATE.LEAVE_REQUESTED)),
            "in": Q(state__in=Membership.ACCEPTED_TYPE),
        },
    )


def _since(row: Membership) -> object:
    """When it came into its state."""
    return max((entry.at for entry in row.log.all() if entry.to_state == row.state), default=None)


def _ticked(caller: Caller, uuid: str, numbers: Sequence[str]) -> list[Membership]:
    """Raises BadRequest if nobody is, or too many are; ItemNotFound, Forbidden for another's project."""
    wanted = ticked(numbers)
    access.managed_project(caller, uuid)
    rows = list(_rows(caller, uuid).filter(pk__in=wanted).order_by("person__username"))
    if not rows:
        raise BadRequest("Nobody of them is in this project any more.")
    return rows


def _do_to_all(
    request: HttpRequest, caller: Caller, rows: Sequence[Membership], name: str, reason: str = ""
) -> None:
    words, rule = _ACTS[name]
    deeds = ((row.person.email, partial(rule, caller, row.pk, reason=reason)) for row in rows)
    do_to_each(request, deeds, words)


def _back(asked: QueryDict, uuid: str) -> str:
    return local_path(asked.get("next", ""), resolve_url("project-members", uuid))


urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/<slug:uuid>/members/", members.page, name="project-members"),
    path("projects/<slug:uuid>/members/rows/", members.part, name="project-member-rows"),
    path("projects/<slug:uuid>/members/act/", act, name="project-members-act"),
    path("projects/<slug:uuid>/members/remove/", remove, name="project-members-remove"),
    path("projects/<slug:uuid>/members/enroll/", enroll, name="project-enroll"),
]
