"""Where one can go in Astakos' pages, how much waits there, and what one should know."""

from __future__ import annotations

from synnefo.astakos.projects.models import Project
from synnefo.astakos.requests import rules as requests
from synnefo.astakos.requests.models import QuotaRequest
from synnefo.astakos.requests.shown import shown
from synnefo.common.caller import Caller
from synnefo.common.shown import Notice, Place

_MOST_NOTICES = 10


def places(caller: Caller) -> dict[str, list[Place]]:
    """By heading. Whoever answers others sees how many wait."""
    found = {"Project": [], "Account": [Place("Requests for more", "ask", "/ui/requests/")]}
    if caller.is_admin or Project.objects.filter(owner__uuid=caller.user).exists():
        waiting = requests.queue(caller).count()
        found["Review"] = [
            Place("Requests for more", "inbox", "/ui/reviews/requests/?state=waiting", waiting)
        ]
    return found


def notices(caller: Caller) -> list[Notice]:
    return _answers(caller)


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
