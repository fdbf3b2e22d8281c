"""What the Synnefo routes of all nouns share: callers, bodies, ids, addresses, answers. No decisions."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Fault, ItemNotFound, OverLimit, Unauthorized
from synnefo.common.http.context import client_address
from synnefo.common.http.facade import identity_of
from synnefo.common.http.plain import View, json_object, relayed, route
from synnefo.common.quota_shown import refusal
from synnefo.cyclades.openstack.kit import origin

M = TypeVar("M", bound=Model)
CallerView = Callable[..., HttpResponseBase]
#: Views by the templates of their paths: ``/servers/{server_id}/metadata/{key}``.
Routes = Mapping[str, View]

_LARGEST_ID = 2**63 - 1
_ID = re.compile(r"[0-9]+", re.ASCII)


def served(**views: CallerView) -> View:
    """A route for whoever has a token: each view gets the request and the caller."""
    return route(**{method: _for_caller(view) for method, view in views.items()})


def caller_of(request: HttpRequest) -> Caller:
    """Who asks, seeing what is his; the token may stand in the query. Raises Unauthorized, Forbidden."""
    token = request.META.get("HTTP_X_AUTH_TOKEN") or request.GET.get("X-Auth-Token", "")
    if not token:
        raise Unauthorized("Access denied. No authentication token")
    try:
        identity = identity_of(request, token)
    except Unauthorized as fault:
        raise relayed(fault) from None
    request_id = getattr(request, "id", "")
    return identity.caller(Scope.OWNER, request_id=request_id, address=client_address(request))


def acting_in(caller: Caller, project: str | None, shared: bool = False) -> Caller:
    """The caller, making something in a project of his, shared to it or not. Raises BadRequest."""
    wanted = project or caller.project
    if wanted not in caller.projects:
        raise BadRequest(f"User {caller.user} not in project {wanted}")
    return caller.in_project(wanted, shares=shared)


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object in the body, of texts that every database can keep. Raises BadRequest."""
    body = json_object(request)
    waiting: list[Any] = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
    return body


def part_of(request: HttpRequest, name: str) -> dict[str, Any]:
    """The object that the body has under a name. Raises BadRequest."""
    part = body_of(request).get(name)
    if not isinstance(part, dict):
        raise BadRequest(f"Malformed request. Missing attribute '{name}'.")
    return part


def text_in(values: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A text of a body; the default if it is left out. Raises BadRequest if there is none, or for others."""
    value = values.get(name, default)
    if value is None:
        raise BadRequest(f"Malformed request. Missing attribute '{name}'.")
    if not isinstance(value, str):
        raise BadRequest(f"Malformed request. Invalid '{name}' attribute.")
    return value


def flag_in(values: Mapping[str, Any], name: str, default: bool = False) -> bool:
    value = values.get(name, default)
    if not isinstance(value, bool):
        raise BadRequest(f"Malformed request. Invalid '{name}' attribute.")
    return value


def reassignment_of(request: HttpRequest) -> tuple[str, bool]:
    """The project that something is moved to, and whether it is shared there. Raises BadRequest."""
    body = body_of(request)
    wanted = body.get("reassign")
    if len(body) != 1 or not isinstance(wanted, dict):
        raise BadRequest("Malformed request: the only action is 'reassign'.")
    return text_in(wanted, "project"), flag_in(wanted, "shared_to_project")


def number_of(value: object, what: str) -> int:
    """An integer id, as number or as text; 0, which nothing has, for one beyond all. Raises BadRequest."""
    if isinstance(value, str) and _ID.fullmatch(value):
        value = int(value[:20])
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadRequest(f"Invalid {what} id {str(value)[:50]!r}.")
    return value if value <= _LARGEST_ID else 0


def silent(kind: type[Fault]) -> Fault:
    """A fault that says nothing but its kind, as 0.21's did for what is no uuid, and for what is others'."""
    fault = kind()
    fault.message = ""
    return fault


def changes_since(request: HttpRequest) -> datetime.datetime | None:
    """The moment in ``changes-since``; None without one. Raises BadRequest."""
    text = request.GET.get("changes-since")
    if text is None:
        return None
    moment = _moment(text.strip().replace(" ", "+"))
    now = timezone.now()
    if (
        moment is None
        or not now - datetime.timedelta(seconds=settings.CYCLADES_POLL_LIMIT_S) <= moment <= now
    ):
        raise BadRequest("Invalid changes-since parameter.")
    return moment


def listed(request: HttpRequest, rows: QuerySet[M], *order: str) -> list[M] | None:
    """All rows that exist, in ascending order; with ``changes-since`` those that changed, deleted ones too.

    ``rows`` contains deleted ones if the table keeps them. None: nothing has changed.
    """
    since = changes_since(request)
    rows = rows.order_by(*(order or ("pk",)))
    if since is not None:
        return list(rows.filter(updated__gte=since)) or None
    keeps_deleted = any(field.name == "deleted" for field in rows.model._meta.fields)
    return list(rows.filter(deleted=False) if keeps_deleted else rows)


def not_modified() -> HttpResponse:
    return HttpResponse(status=304)


def address(request: HttpRequest, path: str) -> str:
    """The absolute URL of ``compute/v2.0/...`` and its like."""
    base: str = settings.CYCLADES_BASE_PATH.strip("/")
    return "/".join(filter(None, (origin(request), base, path)))


def links(url: str) -> list[dict[str, str]]:
    return [{"rel": "self", "href": url}, {"rel": "bookmark", "href": url}]


def stamp(moment: datetime.datetime) -> str:
    """``2026-01-31T12:00:00.000000+00:00``"""
    return moment.astimezone(datetime.UTC).isoformat()


def _for_caller(view: CallerView) -> View:
    def wrapped(request: HttpRequest, **arguments: str) -> HttpResponseBase:
        caller = caller_of(request)
        if any("\x00" in value for value in arguments.values()):
            raise ItemNotFound("Nothing has such a name.")
        try:
            return view(request, caller, **arguments)
        except OverLimit as fault:
            raise refusal(fault) from None

    return wrapped


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest("Malformed request: half a character.") from None
    if "\x00" in text:
        raise BadRequest("Malformed request: NUL characters are not allowed.")


def _moment(text: str) -> datetime.datetime | None:
    """A moment in ISO form, or the beginning of a day; without an offset in UTC."""
    try:
        moment = parse_datetime(text)
        day = parse_date(text) if moment is None else None
    except ValueError:
        return None
    if day is not None:
        return datetime.datetime.combine(day, datetime.time(), datetime.UTC)
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)
