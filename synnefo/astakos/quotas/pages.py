"""Pages of a project's usage: shares and pool with what binds, warnings, and the ledger with its export."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import cast

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone

from synnefo.astakos.projects.shown import see
from synnefo.astakos.quotas import ledger, warning
from synnefo.astakos.quotas import usage as usage_of
from synnefo.astakos.quotas.models import ProvisionLog
from synnefo.astakos.quotas.shown import shown_events, uses_of, warned
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.common.listing import Listing
from synnefo.common.pages import CALM_REFRESH_S, across, action, living, local_path, page

#: Whose events: one's own, all members' by member, all that was charged to the pool.
OWN, MEMBERS, POOL = "own", "members", "pool"
_TITLES = {OWN: "Mine", MEMBERS: "By member", POOL: "All of the pool"}
_USUAL_EXPORT = datetime.timedelta(days=30)


@living("astakos/project_usage")
@across
def usage(request: HttpRequest, caller: Caller, uuid: str, of: str) -> Mapping[str, object]:
    shown = see(caller, uuid)
    if not shown.inside:
        raise Forbidden("What is used of a project is shown to its members.")
    context = _listing(uuid, of).context(_events(caller, uuid, of), request.GET)
    now = timezone.now()
    return {
        **context,
        "shown": shown,
        "uses": uses_of(caller, shown.project, member=shown.is_member),
        "warnings": [
            warned(caller, one) for one in warning.of_caller(caller) if one.project == shown.project
        ],
        "events": shown_events(context["page"]),
        "of": of,
        "others": [(name, title) for name, title in _TITLES.items() if name == OWN or shown.manages],
        "since": now - _USUAL_EXPORT,
        "until": now,
        "refresh_s": CALM_REFRESH_S,
    }


@page
@across
def export(request: HttpRequest, caller: Caller, uuid: str, of: str) -> HttpResponse:
    """The ledger of a period, both days included, as CSV or JSON."""
    rows = _events(caller, uuid, of)
    style = request.GET.get("format", "csv")
    if style not in ledger.FORMATS:
        raise BadRequest(f"The ledger comes as {' or '.join(ledger.FORMATS)}.")
    since, until = (ledger.moment(text) if text else None for text in _period(request))
    end = until and until + datetime.timedelta(days=1)
    kind = "text/csv" if style == "csv" else "application/json"
    answer = StreamingHttpResponse(ledger.written(ledger.read(rows, since, end), style), content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="usage.{style}"'
    return cast("HttpResponse", answer)  # the two have no common type that says what both can do


@action
@across
def dismiss(request: HttpRequest, caller: Caller) -> HttpResponse:
    """A warning was read."""
    number = request.POST.get("key", "")
    if not (number.isascii() and number.isdigit()):
        raise BadRequest("Warnings have numbers.")
    warning.dismiss(caller, int(number))
    return HttpResponseRedirect(local_path(request.POST.get("next", ""), "/ui/"), status=303)


def _period(request: HttpRequest) -> tuple[str, str]:
    return request.GET.get("since", ""), request.GET.get("until", "")


def _events(caller: Caller, uuid: str, of: str) -> QuerySet[ProvisionLog]:
    """Raises ItemNotFound, Forbidden."""
    return usage_of.events(
        caller, project=uuid, user=caller.user if of == OWN else None, members=of == MEMBERS
    )


def _listing(uuid: str, of: str) -> Listing[ProvisionLog]:
    now = timezone.now()

    def last(days: int) -> Q:
        return Q(settled__gte=now - datetime.timedelta(days=days))

    return Listing(
        path=_path(uuid, of), noun="event", columns={"at": ("When", ("settled", "id"))}, usual="-at",
        find=lambda rows, words: rows.filter(resource__icontains=words),
        states={"last day": last(1), "last 7 days": last(7), "last 30 days": last(30)},
    )  # fmt: skip


def _path(uuid: str, of: str) -> str:
    return f"/ui/projects/{uuid}/{_folder(of)}"


def _folder(of: str) -> str:
    return "usage/" if of == OWN else f"usage/{of}/"


_VIEWS = (("", "", usage.page), ("rows/", "-rows", usage.part), ("export/", "-export", export))
urlpatterns: list[URLPattern | URLResolver] = [
    *(
        path(f"projects/<slug:uuid>/{_folder(of)}{more}", view, {"of": of}, name=f"project-usage{name}-{of}")
        for of in _TITLES
        for more, name, view in _VIEWS
    ),
    path("warnings/dismiss/", dismiss, name="warning-dismiss"),
]
