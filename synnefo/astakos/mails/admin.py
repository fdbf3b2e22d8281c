"""Mails on the administrators' dashboard: which went out, wait, or failed; and their text, where no mail
server is set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from synnefo.admin.site import site
from synnefo.admin.tables import Act, Part, StateFilter, Table
from synnefo.admin.words import state
from synnefo.astakos.mails import rules
from synnefo.astakos.mails.models import Mail
from synnefo.common.templatetags.console import ago

_STATES = {
    "sent": Q(sent__isnull=False),
    "waiting": Q(sent=None, given_up=None, error=""),
    "to be tried again": Q(sent=None, given_up=None) & ~Q(error=""),
    "given up": Q(given_up__isnull=False),
}
_COLOURS = {"Sent": "green", "Waiting": "yellow", "To be tried again": "yellow", "Given up": "red"}


class MailState(StateFilter):
    states = _STATES


@admin.register(Mail, site=site)
class Mails(Table):
    icon = "mail"
    states = _STATES
    list_display = ("shown_subject", "recipient", "shown_state", "written")
    list_display_links = ("shown_subject",)
    list_filter = (MailState,)
    search_fields = ("recipient", "subject")
    search_help_text = "Recipient or subject"
    ordering = ("-pk",)
    acts = (
        Act(
            "again", "Try again now", "refresh", "The mail server is asked again at once.",
            "is on its way", lambda caller, row, reason: rules.send_again(caller, row),
            lambda row: row.sent is None,
        ),
    )  # fmt: skip

    def name_of(self, row: Mail) -> str:
        return row.subject

    @admin.display(description="Subject", ordering="subject")
    def shown_subject(self, row: Mail) -> str:
        return row.subject

    @admin.display(description="State")
    def shown_state(self, row: Mail) -> SafeString:
        return state(row.status, _COLOURS[row.status])

    @admin.display(description="Written", ordering="created")
    def written(self, row: Mail) -> str:
        return ago(row.created)

    def facts(self, row: Mail) -> Mapping[str, object]:
        facts: dict[str, object] = {
            "State": state(row.status, _COLOURS[row.status]),
            "To": row.recipient,
            "Subject": row.subject,
            "Written": ago(row.created),
        }
        if row.sent:
            facts["Sent"] = ago(row.sent) if settings.EMAIL_HOST else f"as a file, {settings.EMAIL_FILE_PATH}"
        elif row.error:
            facts |= {"Last error": row.error, "Tries": row.tries}
            if row.given_up is None and row.due > timezone.now():
                facts["Tried again"] = row.due
        if settings.EMAIL_HOST == "" and row.text:
            facts["Text"] = format_html('<div style="white-space:pre-wrap">{}</div>', row.text)
        return facts

    def parts(self, row: Mail) -> Sequence[Part]:
        return ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Mail.objects.all()
