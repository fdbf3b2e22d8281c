"""Memberships over HTTP, for members, owners of projects and administrators (spec: astakos 1.5.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel

from synnefo.astakos.account.projects import Text, single_action
from synnefo.astakos.plain import user_caller
from synnefo.astakos.projects import access, memberships
from synnefo.astakos.projects.history import dates
from synnefo.astakos.projects.models import Membership
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest
from synnefo.common.http.plain import answer, empty, json_object, parsed

_ACTIONS: dict[str, Callable[..., Membership]] = {
    "leave": memberships.leave,
    "cancel": memberships.cancel,
    "accept": memberships.accept,
    "reject": memberships.reject,
    "remove": memberships.remove,
}


class Join(BaseModel):
    project: Text


class Enrolment(BaseModel):
    project: Text
    user: Text


class Why(BaseModel):
    reason: Text | None


def index(request: HttpRequest) -> HttpResponse:
    """GET projects/memberships: the caller's and those in what he owns; of a ``project``."""
    caller = user_caller(request)
    rows = access.memberships_for(caller).prefetch_related("log").order_by("pk")
    if "project" in request.GET:
        rows = rows.filter(project__uuid=request.GET["project"].replace("\x00", ""))
    return answer([_shown(caller, row) for row in rows])


def create(request: HttpRequest) -> HttpResponse:
    """POST projects/memberships: ``join`` a project, or ``enroll`` somebody in it."""
    caller = user_caller(request)
    name, value = single_action(json_object(request), {"join", "enroll"})
    if not isinstance(value, dict):
        raise BadRequest(f"{name}: an object with a project is wanted")
    if name == "join":
        return answer({"id": memberships.join(caller, parsed(Join, value).project).pk})
    wanted = parsed(Enrolment, value)
    return answer({"id": memberships.enroll(caller, wanted.project, wanted.user).pk})


def show(request: HttpRequest, number: int) -> HttpResponse:
    """GET projects/memberships/<id>"""
    caller = user_caller(request)
    return answer(_shown(caller, access.membership_of(caller, number)))


def act(request: HttpRequest, number: int) -> HttpResponse:
    """POST projects/memberships/<id>/action"""
    caller = user_caller(request)
    name, value = single_action(json_object(request), set(_ACTIONS))
    _ACTIONS[name](caller, number, reason=parsed(Why, {"reason": value}).reason or "")
    return empty()


def _shown(caller: Caller, row: Membership) -> dict[str, Any]:
    return {
        "id": row.pk,
        "user": row.person.uuid,
        "project": row.project.uuid,
        "state": Membership.State(row.state).name.lower(),
        "allowed_actions": memberships.allowed_actions(caller, row),
        **{state: at.isoformat() for state, at in dates(row).items()},
    }
