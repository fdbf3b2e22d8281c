"""Requests for more quota on the administrators' dashboard: approved as they are, or denied, by the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from synnefo.admin.site import site
from synnefo.admin.tables import Act, Part, StateFilter, Table
from synnefo.admin.words import events, shown
from synnefo.astakos.requests import rules
from synnefo.astakos.requests.models import QuotaRequest
from synnefo.astakos.requests.shown import Shown
from synnefo.common.templatetags.console import ago

_STATE = QuotaRequest.State
_STATES = {
    "waiting": Q(state=_STATE.PENDING),
    "approved": Q(state=_STATE.APPROVED),
    "denied": Q(state=_STATE.DENIED),
}


class RequestState(StateFilter):
    states = _STATES


@admin.register(QuotaRequest, site=site)
class Requests(Table):
    icon = "speed"
    states = _STATES
    list_display = ("what", "shown_state", "shown_project", "by", "asked")
    list_display_links = ("what",)
    list_filter = (RequestState,)
    search_fields = ("project__realname", "asker__email", "reason")
    search_help_text = "Project, who asked, or reason"
    ordering = ("-pk",)
    acts = (
        Act(
            "approve", "Approve", "check",
            "The limits become what was asked for. Other amounts are granted in the console.", "is approved",
            lambda caller, row, reason: rules.approve(caller, row.uuid),
            lambda row: row.state == _STATE.PENDING,
        ),
        Act(
            "deny", "Deny", "block", "Limits stay as they are. Who asked is told by mail, with the reason.",
            "is denied", lambda caller, row, reason: rules.deny(caller, row.uuid, reason),
            lambda row: row.state == _STATE.PENDING, asks_reason=True, is_danger=True,
        ),
    )  # fmt: skip

    def name_of(self, row: QuotaRequest) -> str:
        return f"{self.what(row)} for {row.asker.email}"

    @admin.display(description="What")
    def what(self, row: QuotaRequest) -> str:
        return _shown(row).title

    @admin.display(description="State", ordering="state")
    def shown_state(self, row: QuotaRequest) -> SafeString:
        return shown(_shown(row).state)

    @admin.display(description="Project", ordering="project__realname")
    def shown_project(self, row: QuotaRequest) -> str:
        return f"Own project of {row.asker.email}" if row.project.is_base else row.project.realname

    @admin.display(description="Asked by", ordering="asker__email")
    def by(self, row: QuotaRequest) -> str:
        return row.asker.email

    @admin.display(description="When", ordering="created")
    def asked(self, row: QuotaRequest) -> str:
        return ago(row.created)

    def facts(self, row: QuotaRequest) -> Mapping[str, object]:
        facts: dict[str, object] = {
            "State": self.shown_state(row),
            "Project": self.shown_project(row),
            "Of": row.get_kind_display(),
            "Asked by": self.by(row),
            "When": self.asked(row),
            "Reason": row.reason,
        }
        return facts | ({"Answer": row.answer or "none"} if row.decided else {})

    def parts(self, row: QuotaRequest) -> Sequence[Part]:
        told = [(one.title, one.usage, one.limit, one.wanted, one.granted) for one in _shown(row).amounts]
        heads = ("Resource", "Used then", "Limit then", "Wanted", "Granted")
        return (Part("How much", heads, told, "Nothing."), events("request", row.uuid))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = QuotaRequest.objects.select_related("asker", "project")
        return rows.prefetch_related("amounts__resource")


def _shown(row: QuotaRequest) -> Shown:
    return Shown(row, row.project.realname, own=False)
