"""Where one can go in Astakos' pages, how much waits there, and what one should know."""

from __future__ import annotations

import datetime

from django.db.models import Q
from django.utils import timezone

from synnefo.astakos.accounts import pages_review as accounts
from synnefo.astakos.projects import access
from synnefo.astakos.projects.models import Membership, MembershipLog, Project
from synnefo.astakos.quotas import warning
from synnefo.astakos.quotas.shown import warned
from synnefo.astakos.requests import rules as requests
from synnefo.astakos.requests.models import QuotaRequest
from synnefo.astakos.requests.shown import shown
from synnefo.common.caller import Caller
from synnefo.common.shown import Notice, Place

_MOST_NOTICES = 10
_NEW = datetime.timedelta(days=3)
_ASKING = (Membership.State.REQUESTED, Membership.State.LEAVE_REQUESTED)


def places(caller: Caller) -> dict[str, list[Place]]:
    """By heading. Whoever answers others sees how many wait."""
    caller = caller.everywhere()
    near = Project.objects.filter(Q(uuid=caller.project) | Q(owner__uuid=caller.user))
    rows = {row.uuid: row for row in near.select_related("owner")}
    current = rows.get(caller.project)
    return {
        "Project": _of_project(caller, current) if current else [],
        "Account": [
            Place("Your account", "user", "/ui/profile/"),
            Place("Projects", "folder", "/ui/projects/"),
            Place("Requests", "ask", "/ui/requests/"),
        ],
        "Review": _reviews(caller, owns=any(access.owns(caller, row) for row in rows.values())),
    }


def notices(caller: Caller) -> list[Notice]:
    caller = caller.everywhere()
    return [*_warnings(caller), *_answers(caller), *_welcomes(caller), *_asking(caller)]


def _of_project(caller: Caller, project: Project) -> list[Place]:
    """Of the project in which he works."""
    url = f"/ui/projects/{project.uuid}/"
    found = [Place("Overview", "info", url)]
    if access.manages(caller, project) and not project.is_base:
        found.append(Place("Members", "group", f"{url}members/"))
    return [
        *found,
        Place("Usage", "chart", f"{url}usage/"),
        Place("Activity", "clock", f"{url}activity/"),
    ]


def _reviews(caller: Caller, *, owns: bool) -> list[Place]:
    found = []
    if access.is_project_admin(caller):
        waiting = access.pending_applications(caller).count()
        found.append(Place("Applications", "file", "/ui/reviews/applications/?state=waiting", waiting))
    if caller.is_admin or owns:
        url, waiting = "/ui/reviews/requests/?state=waiting", requests.queue(caller).count()
        found.append(Place("Requests", "inbox", url, waiting))
    if caller.is_admin:
        waiting = accounts.waiting().count()
        found.append(Place("Accounts", "user", "/ui/reviews/accounts/?state=waiting", waiting))
    return found


def _warnings(caller: Caller) -> list[Notice]:
    """Shares and pools that are nearly used up, until he says that he knows."""
    return [
        Notice(
            title=one.title,
            words=one.words,
            url=f"/ui/projects/{one.warned.project.uuid}/usage/",
            at=one.warned.row.raised,
            colour=one.colour,
            dismiss_url="/ui/warnings/dismiss/",
            key=str(one.warned.row.pk),
        )
        for one in (warned(caller, row) for row in warning.of_caller(caller)[:_MOST_NOTICES])
    ]


def _answers(caller: Caller) -> list[Notice]:
    """Requests that were answered, until he says that he has read it."""
    states = (QuotaRequest.State.APPROVED, QuotaRequest.State.DENIED)
    rows = requests.own(caller).filter(state__in=states, dismissed=False)[:_MOST_NOTICES]
    return [
        Notice(
            title=f"More of {one.project}: {one.state.word.lower()}",
            words=one.title,
            url=f"/ui/requests/{one.row.uuid}/",
            at=one.row.decided or one.row.created,
            colour=one.state.colour,
            dismiss_url="/ui/requests/dismiss/",
            key=one.row.uuid,
        )
        for one in shown(caller, rows)
    ]


def _welcomes(caller: Caller) -> list[Notice]:
    """Projects into which somebody took him lately."""
    rows = MembershipLog.objects.filter(
        membership__person__uuid=caller.user,
        membership__state=Membership.State.ACCEPTED,
        membership__project__is_base=False,
        to_state=Membership.State.ACCEPTED,
        at__gte=timezone.now() - _NEW,
    )
    rows = rows.exclude(actor=caller.user).select_related("membership__project").order_by("-pk")
    return [
        Notice(
            title=f"You are a member of {row.membership.project.realname}",
            words="",
            url=f"/ui/projects/{row.membership.project.uuid}/",
            at=row.at,
            colour="green",
        )
        for row in rows[:_MOST_NOTICES]
    ]


def _asking(caller: Caller) -> list[Notice]:
    """Who waits for him as the owner of a project, until he has answered."""
    rows = MembershipLog.objects.filter(
        membership__project__owner__uuid=caller.user,
        membership__project__state__in=Project.ALIVE,
        membership__state__in=_ASKING,
        to_state__in=_ASKING,
    )
    rows = rows.select_related("membership__project", "membership__person").order_by("-pk")
    latest = {row.membership_id: row for row in reversed(rows[:_MOST_NOTICES])}
    return [
        Notice(
            title=f"{row.membership.person.email} asks to "
            + ("join" if row.membership.state == Membership.State.REQUESTED else "leave"),
            words=row.membership.project.realname,
            url=f"/ui/projects/{row.membership.project.uuid}/members/?state=waiting",
            at=row.at,
            colour="orange",
        )
        for row in latest.values()
    ]
