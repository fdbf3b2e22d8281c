"""Mails about requests for more quota: to who may answer, and to who asked."""

from __future__ import annotations

import dataclasses

from synnefo.astakos.mails import rules as mails
from synnefo.astakos.requests.models import QuotaRequest
from synnefo.astakos.shown import amount_words, title_of


@dataclasses.dataclass(frozen=True)
class Line:
    """A resource in words; ``granted`` is empty where nothing was."""

    title: str
    limit: str
    usage: str
    wanted: str
    granted: str


def asked(row: QuotaRequest) -> None:
    """To the owner for what is his to give, else to those who look after projects."""
    owner = row.project.owner
    if row.kind == QuotaRequest.Kind.SHARE and owner is not None and owner.is_active:
        recipients = [owner.email]
    else:
        recipients = mails.addresses("PROJECT_MODIFICATION_RECIPIENTS")
    mails.post("quota_request_asked", recipients, _context(row))


def answered(row: QuotaRequest) -> None:
    mails.post("quota_request_answered", [row.asker.email], _context(row))


def _context(row: QuotaRequest) -> dict[str, object]:
    return {
        "request": row,
        "asker": row.asker,
        "project": "" if row.project.is_base else row.project.realname,
        "is_share": row.kind == QuotaRequest.Kind.SHARE,
        "approved": row.state == QuotaRequest.State.APPROVED,
        "lines": [
            Line(
                title_of(one.resource),
                *(
                    amount_words(amount, one.resource.unit)
                    for amount in (one.limit, one.usage, one.wanted, one.granted)
                ),
            )
            for one in row.amounts.select_related("resource").order_by("resource__name")
        ],
        "url": mails.public_url(f"/ui/requests/{row.uuid}/"),
    }
