"""What happened in a project, as far as somebody may know: the audit in words. Reads only.

Everybody inside learns what was done to the project and what he did himself; who manages it, besides, what
was done about its members, applications and requests. What others do with things of their own is theirs.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from synnefo.astakos.projects.shown import ProjectShown
from synnefo.audit.models import AuditEvent
from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller

_OF_MANAGERS = ("project", "membership", "application", "request")
_WORDS = {
    "project.limits": "Limits changed",
    "project.modify": "Project changed",
    "project.suspend": "Project suspended",
    "project.unsuspend": "Project resumed",
    "project.terminate": "Project terminated",
    "project.reinstate": "Project reinstated",
    "project.transfer": "Project handed over",
    "application.submit": "Application sent",
    "application.approved": "Application approved",
    "application.denied": "Application denied",
    "application.cancelled": "Application taken back",
    "application.dismissed": "Denied application dismissed",
    "membership.request": "Asked to join",
    "membership.join": "Joined",
    "membership.enroll": "Member added",
    "membership.accept": "Let in",
    "membership.reject": "Not let in",
    "membership.cancel": "No longer asks to join",
    "membership.leave": "Left, or asked to leave",
    "membership.remove": "Member removed",
    "membership.suspend": "Membership suspended",
    "membership.unsuspend": "Membership resumed",
    "request.ask": "More quota asked for",
    "request.approve": "Request for more approved",
    "request.deny": "Request for more denied",
    "request.cancel": "Request for more taken back",
}


@dataclasses.dataclass(frozen=True)
class Deed:
    """Something that somebody did."""

    number: int
    title: str
    name: str
    who: str
    reason: str
    at: datetime.datetime


def events(shown: ProjectShown) -> QuerySet[AuditEvent]:
    """What the caller may know, of a project that he is inside of."""
    uuid, me = shown.project.uuid, shown.caller.user
    seen = Q(target_kind="project") | Q(actor=me)
    if shown.manages:
        seen |= Q(target_kind__in=_OF_MANAGERS)
    elif shown.membership is not None:
        seen |= Q(target_kind="membership", target_id=str(shown.membership.pk))
    return AuditEvent.objects.filter(seen, project=uuid)


def told(caller: Caller, rows: Iterable[AuditEvent]) -> list[Deed]:
    found = list(rows)
    people = accounts().names({str(row.details["person"]) for row in found if "person" in row.details})
    return [
        Deed(
            number=row.pk,
            title=_words(row.action),
            name=people.get(str(row.details.get("person")), "") or str(row.details.get("name") or ""),
            who="you" if row.actor == caller.user else row.actor_name or "the cloud",
            reason=str(row.details.get("reason") or ""),
            at=row.at,
        )
        for row in found
    ]


def _words(action: str) -> str:
    """Those of other services as they are: ``server.create`` is "Create server"."""
    noun, _, verb = action.partition(".")
    return _WORDS.get(action) or f"{verb.replace('_', ' ').capitalize()} {noun.replace('_', ' ')}"
