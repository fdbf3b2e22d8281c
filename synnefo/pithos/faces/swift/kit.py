"""What all routes of the face share: who asks, faults as Swift words them, headers of every answer."""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, ItemNotFound, NotAllowed, PreconditionFailed
from synnefo.common.http.context import client_address
from synnefo.common.http.facade import as_fault, identity_of
from synnefo.common.http.rendering import swift as rendered
from synnefo.pithos.faces.conditions import NotModified
from synnefo.pithos.faces.swift import paths

View = Callable[..., HttpResponseBase]

_ABSENT = "The resource could not be found."

PREFIX = "AUTH_"
HTML = "text/html; charset=UTF-8"
OCTETS = "application/octet-stream"
#: There is one way of storing, which some clients want to hear the name of.
POLICY = "default"


def route(**views: View) -> View:
    """A Django view of one function a method."""

    def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        try:
            paths.check(request)
            chosen = views.get(request.method or "")
            if chosen is None:
                raise NotAllowed("The method is not allowed for this resource.")
            response = chosen(request, **arguments)
        except NotModified as unchanged:
            response = empty(304)
            response["ETag"] = unchanged.etag
        except Exception as error:  # as_fault logs what is not a fault and hides it from the client
            response = rendered(as_fault(error), PREFIX + arguments.get("account", ""))
        if response.status_code == NotAllowed.status:
            response["Allow"] = ", ".join(sorted(views))
        return _stamped(request, response)

    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def unknown(request: HttpRequest, path: str = "") -> HttpResponseBase:
    """Paths that are none; the version without an account is a bad one."""
    fault = PreconditionFailed("Bad URL") if path.rstrip("/") == "v1" else ItemNotFound(_ABSENT)
    return _stamped(request, rendered(fault))


unknown.csrf_exempt = True  # type: ignore[attr-defined]


def token_of(request: HttpRequest) -> str:
    given: str = request.META.get("HTTP_X_AUTH_TOKEN", "") or request.META.get("HTTP_X_STORAGE_TOKEN", "")
    return given


def caller(request: HttpRequest) -> Caller:
    """Who asks: in the project that the token is for, else as himself in all of his.

    Raises Unauthorized, Forbidden.
    """
    identity = identity_of(request, token_of(request))
    scope = Scope.OWNER if identity.project is None else Scope.PROJECT
    request_id = getattr(request, "id", "")
    return identity.caller(scope, request_id=request_id, address=client_address(request))


def empty(status: int, content_type: str = HTML) -> HttpResponse:
    return HttpResponse(status=status, content_type=content_type)


def parameter(request: HttpRequest, name: str) -> str:
    """A parameter of the query; empty if it is not given. Raises BadRequest if it is not UTF-8."""
    value: str = request.GET.get(name, "")
    if "\ufffd" in value:
        try:
            unquote_to_bytes(request.META.get("QUERY_STRING", "")).decode()
        except UnicodeDecodeError:
            raise BadRequest(f'"{name}" parameter not valid UTF-8') from None
    return value


def text_of(value: str) -> str:
    """A header's value, which servers hand over byte by byte, as text. Raises BadRequest."""
    try:
        return value if value.isascii() else value.encode("latin-1").decode()
    except UnicodeError:
        raise BadRequest("Metadata must be valid UTF-8") from None


def timestamp(moment: datetime.datetime) -> str:
    return f"{moment.timestamp():016.5f}"


def last_modified(moment: datetime.datetime) -> str:
    """Rounded up: nothing may have been changed after the second that is told."""
    return http_date(math.ceil(moment.timestamp()))


def _stamped(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response["X-Trans-Id"] = _transaction(getattr(request, "id", ""))
    response["Vary"] = "Accept, X-Auth-Token"
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if isinstance(response, HttpResponse) and "Content-Length" not in response:
        response["Content-Length"] = str(len(response.content))
    return response


def _transaction(request_id: str) -> str:
    """In Swift's form; it begins with the request id that is in the log."""
    digits = request_id.removeprefix("req-").replace("-", "")
    return f"tx{digits[:21].ljust(21, '0')}-{int(time.time()):010x}"
