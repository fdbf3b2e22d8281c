"""Requests for more quota as lists and pages show them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from synnefo.astakos.requests.models import QuotaRequest, RequestLog
from synnefo.astakos.shown import amount_words, place_of, project_names, title_of
from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.shown import State

_STATES = {
    QuotaRequest.State.PENDING: State("Waiting", "orange"),
    QuotaRequest.State.APPROVED: State("Approved", "green"),
    QuotaRequest.State.DENIED: State("Denied", "red"),
    QuotaRequest.State.CANCELLED: State("Taken back", "secondary"),
}
_DEEDS = {
    QuotaRequest.State.PENDING: "Asked",
    QuotaRequest.State.APPROVED: "Approved",
    QuotaRequest.State.DENIED: "Denied",
    QuotaRequest.State.CANCELLED: "Taken back",
}
KINDS = {
    QuotaRequest.Kind.SHARE: "Share of each member",
    QuotaRequest.Kind.POOL: "Pool of the project",
}


@dataclasses.dataclass(frozen=True)
class Amount:
    """A resource that somebody wants more of, all in words; ``granted`` is empty before the answer."""

    name: str
    title: str
    limit: str
    usage: str
    wanted: str
    granted: str


@dataclasses.dataclass(frozen=True)
class Shown:
    """A request as the caller sees it."""

    row: QuotaRequest
    project: str
    own: bool

    @property
    def state(self) -> State:
        return _STATES[QuotaRequest.State(self.row.state)]

    @property
    def kind(self) -> str:
        return "" if self.row.project.is_base else KINDS[QuotaRequest.Kind(self.row.kind)]

    @property
    def asker(self) -> str:
        return "you" if self.own else self.row.asker.email

    @property
    def amounts(self) -> list[Amount]:
        return [
            Amount(
                one.resource.name,
                title_of(one.resource),
                *(
                    amount_words(number, one.resource.unit)
                    for number in (one.limit, one.usage, one.wanted, one.granted)
                ),
            )
            for one in sorted(self.row.amounts.all(), key=lambda one: place_of(one.resource))
        ]

    @property
    def title(self) -> str:
        return ", ".join(f"{one.title} {one.limit} → {one.wanted}" for one in self.amounts)


@dataclasses.dataclass(frozen=True)
class Deed:
    """What happened to a request."""

    words: str
    who: str
    row: RequestLog


def shown(caller: Caller, rows: Iterable[QuotaRequest]) -> list[Shown]:
    found = list(rows)
    names = project_names(caller, {row.project_id: row.project for row in found}.values())
    return [Shown(row, names[row.project.uuid], row.asker.uuid == caller.user) for row in found]


def history(caller: Caller, row: QuotaRequest) -> list[Deed]:
    """All that happened to it, youngest first."""
    log = list(row.log.order_by("-pk"))
    names = accounts().names({one.actor for one in log if one.actor})
    return [
        Deed(
            _DEEDS[QuotaRequest.State(one.to_state)],
            "you" if one.actor == caller.user else names.get(one.actor, "the cloud"),
            one,
        )
        for one in log
    ]
