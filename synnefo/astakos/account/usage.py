"""The ledger of usage over HTTP, for users: any period, as JSON or CSV, however long."""

from __future__ import annotations

from django.http import HttpRequest, StreamingHttpResponse

from synnefo.astakos.plain import user_caller
from synnefo.astakos.quotas import ledger, usage
from synnefo.common.faults import BadRequest

_TYPES = {"csv": "text/csv; charset=UTF-8", "json": "application/json; charset=UTF-8"}


def show(request: HttpRequest) -> StreamingHttpResponse:
    """GET usage: ``user``, ``project``, ``members``, ``from``, ``to`` (outside the period), ``format``.

    Raises BadRequest, ItemNotFound, Forbidden.
    """
    caller = user_caller(request)
    given = {name: str(text).replace("\x00", "") for name, text in request.GET.items()}
    style = given.get("format", "json")
    if style not in ledger.FORMATS:
        raise BadRequest(f"format: one of {', '.join(ledger.FORMATS)}")
    rows = usage.events(
        caller,
        user=given.get("user"),
        project=given.get("project"),
        members=given.get("members", "").lower() in ("1", "true", "yes"),
    )
    since, until = (ledger.moment(given[name]) if name in given else None for name in ("from", "to"))
    pieces = ledger.written(ledger.read(rows, since, until), style)
    response = StreamingHttpResponse(pieces, content_type=_TYPES[style])
    response["Content-Disposition"] = f'attachment; filename="usage.{style}"'
    return response
