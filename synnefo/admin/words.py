"""How the dashboard's lists and pages write states, moments, ids and events."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.html import format_html
from django.utils.safestring import SafeString

from synnefo.admin.tables import Part
from synnefo.audit.models import AuditEvent
from synnefo.common.shown import State
from synnefo.common.templatetags.console import ago

_EVENTS = 10
#: The console's colours that have other names here.
_DOTS = {"orange": "yellow", "secondary": "grey"}


def state(word: str, colour: str) -> SafeString:
    """A dot and a word; the word alone tells it, too."""
    return format_html('<span class="state"><span class="dot dot-{}"></span>{}</span>', colour, word)


def shown(one: State) -> SafeString:
    """A state as the console has it."""
    return state(one.word, _DOTS.get(one.colour, one.colour))


def mono(text: object) -> SafeString:
    return format_html("<code>{}</code>", text)


def lines(texts: Iterable[object]) -> SafeString:
    """One below the other."""
    found = SafeString("")
    for text in texts:
        found += format_html('<span class="line">{}</span>', text)
    return found


def events(kind: str, target: object) -> Part:
    """What was done to something lately, and by whom."""
    rows = AuditEvent.objects.filter(target_kind=kind, target_id=str(target)).order_by("-id")[:_EVENTS]
    told = [
        (
            ago(row.at),
            row.action,
            row.actor_name or "the cloud itself",
            row.details.get("reason") or "",
            mono(row.request_id),
        )
        for row in rows
    ]
    return Part("Recent events", ("When", "What", "Who", "Reason", "Request id"), told, "Nothing yet.")
