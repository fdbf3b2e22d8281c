"""Requests for more quota over HTTP, for users, owners of projects and administrators."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from synnefo.astakos.plain import user_caller
from synnefo.astakos.quotas import reading
from synnefo.astakos.requests import rules
from synnefo.astakos.requests.models import QuotaRequest
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest
from synnefo.common.http.plain import answer, empty, json_object, parsed
from synnefo.common.units import INFINITE

Text = Annotated[str, Field(max_length=4096, pattern=r"^[^\x00]*$")]
Amounts = Annotated[dict[str, Annotated[StrictInt, Field(ge=0, le=INFINITE)]], Field(max_length=100)]

_MODES = {"own": rules.own, "answerable": rules.answerable, "queue": rules.queue, "all": rules.seen_by}
_STATES = {state.label: state for state in QuotaRequest.State}


class Wish(BaseModel):
    project: str
    kind: str
    resources: Amounts
    reason: Text


class Approval(BaseModel):
    model_config = ConfigDict(extra="forbid")
    resources: Amounts | None = None
    answer: Text = ""


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    answer: Text = ""


def index(request: HttpRequest) -> HttpResponse:
    """GET requests: ``mode`` own, answerable, queue or all (what is seen); ``state``; ``project``."""
    caller = user_caller(request)
    mode, state = request.GET.get("mode", "all"), request.GET.get("state")
    if mode not in _MODES or (state is not None and state not in _STATES):
        raise BadRequest(f"mode is one of {', '.join(_MODES)}; state one of {', '.join(_STATES)}.")
    rows = _MODES[mode](caller)
    if state is not None:
        rows = rows.filter(state=_STATES[state])
    if "project" in request.GET:
        rows = rows.filter(project__uuid=request.GET["project"].replace("\x00", ""))
    return answer([_shown(caller, row) for row in rows])


def create(request: HttpRequest) -> HttpResponse:
    """POST requests. Raises BadRequest, Forbidden, ItemNotFound, Conflict."""
    caller = user_caller(request)
    wish = parsed(Wish, json_object(request))
    row = rules.ask(caller, wish.project, wish.kind, wish.resources, wish.reason)
    return answer({"id": row.uuid}, 201)


def limits(request: HttpRequest) -> HttpResponse:
    """GET requests/limits?project=&kind=: what one would ask to raise, with its use."""
    caller = user_caller(request)
    lines = rules.preview(caller, request.GET.get("project", ""), request.GET.get("kind", ""))
    return answer(
        {
            line.resource.name: {
                "limit": line.limit,
                "usage": line.usage,
                "unit": line.resource.unit or None,
                "quota": {**dataclasses.asdict(line.use), **reading.bound(line.use)},
            }
            for line in lines
        }
    )


def show(request: HttpRequest, uuid: str) -> HttpResponse:
    """GET requests/<uuid>: with its history."""
    caller = user_caller(request)
    row = rules.get(caller, uuid)
    history = [
        {
            "state": QuotaRequest.State(entry.to_state).label,
            "date": entry.at.isoformat(),
            "actor": entry.actor or None,
            "reason": entry.reason,
        }
        for entry in row.log.order_by("pk")
    ]
    return answer({**_shown(caller, row), "history": history})


def act(request: HttpRequest, uuid: str) -> HttpResponse:
    """POST requests/<uuid>/action: one of approve, deny, cancel, dismiss, each with its object."""
    caller = user_caller(request)
    body = json_object(request)
    name, given = next(iter(body.items()), ("", None))
    given = {} if given in (None, "") else given
    if len(body) != 1 or not isinstance(given, dict):
        raise BadRequest("Name one action, with an object: approve, deny, cancel, dismiss.")
    if name == "approve":
        approval = parsed(Approval, given)
        rules.approve(caller, uuid, approval.resources, approval.answer)
    elif name == "deny":
        rules.deny(caller, uuid, parsed(Answer, given).answer)
    elif name == "cancel":
        rules.cancel(caller, uuid)
    elif name == "dismiss":
        rules.dismiss(caller, uuid)
    else:
        raise BadRequest(f"There is no action {name!r}.")
    return empty()


def _shown(caller: Caller, row: QuotaRequest) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "project": row.project.uuid,
        "kind": row.kind,
        "user": row.asker.uuid,
        "state": QuotaRequest.State(row.state).label,
        "reason": row.reason,
        "created": row.created.isoformat(),
        "decided": row.decided.isoformat() if row.decided else None,
        "reviewer": row.reviewer.uuid if row.reviewer else None,
        "answer": row.answer,
        "may_answer": row.state == QuotaRequest.State.PENDING and rules.may_answer(caller, row),
        "resources": {
            part.resource.name: {
                "limit": part.limit,
                "usage": part.usage,
                "wanted": part.wanted,
                "granted": part.granted,
            }
            for part in row.amounts.all()
        },
    }
