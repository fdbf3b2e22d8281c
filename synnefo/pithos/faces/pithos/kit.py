"""What all routes of the face share: who asks, in which shape he is answered, parameters, dates."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable
from typing import Any
from xml.etree import ElementTree

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import (
    BadRequest,
    Fault,
    ItemNotFound,
    NotAllowed,
    OverLimit,
    RangeNotSatisfiable,
    Unauthorized,
)
from synnefo.common.http.facade import as_fault, caller_of
from synnefo.common.http.plain import relayed
from synnefo.common.http.rendering import synnefo
from synnefo.common.quota_shown import refusal
from synnefo.pithos.faces import paths
from synnefo.pithos.faces.conditions import NotModified

View = Callable[..., HttpResponseBase]

_TYPES = {"json": "application/json", "xml": "application/xml", "text": "text/plain"}


def route(**views: View) -> View:
    """A Django view of one function a method."""

    def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        try:
            if not _is_utf8(request):
                return HttpResponseBadRequest()
            _check_headers(request)
            chosen = views.get(request.method or "")
            if chosen is None:
                raise NotAllowed("Method not allowed")
            response = chosen(request, **arguments)
        except NotModified as unchanged:
            response = empty(304)
            if unchanged.etag:
                response["ETag"] = unchanged.etag
        except Exception as error:  # as_fault logs what is not a fault and hides it from the client
            response = render_fault(request, as_fault(error))
        if response.status_code == NotAllowed.status:
            response["Allow"] = ",".join(sorted(views))
        if "Last-Modified" not in response:
            response["Last-Modified"] = http_date()
        response["Vary"] = "X-Auth-Token"
        response["Cache-Control"] = "no-cache, no-store, must-revalidate, max-age=0"
        if isinstance(response, HttpResponse) and "Content-Length" not in response:
            response["Content-Length"] = str(len(response.content))
        return response

    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def unknown(request: HttpRequest, path: str = "") -> HttpResponse:
    """Paths that are none are bad requests here, not missing things."""
    return render_fault(request, BadRequest("API endpoint not found"))


unknown.csrf_exempt = True  # type: ignore[attr-defined]


def token_of(request: HttpRequest) -> str:
    """From the query, for forms and links, else from the header."""
    return request.GET.get("X-Auth-Token", "") or request.META.get("HTTP_X_AUTH_TOKEN", "")


def caller(request: HttpRequest) -> Caller:
    """Who asks. Raises Unauthorized."""
    token = token_of(request)
    if not token:
        raise Unauthorized("Access denied. No authentication token")
    request.META["HTTP_X_AUTH_TOKEN"] = token
    try:
        return caller_of(request, Scope.OWNER)
    except Unauthorized as fault:
        raise relayed(fault) from None


def serialization(request: HttpRequest, default: str = "text") -> str:
    """``json``, ``xml`` or ``text``: by ``?format=``, else by the path's suffix, else by ``Accept``."""
    asked = request.GET.get("format", "")
    if asked in ("json", "xml"):
        return asked
    suffix = request.path.rpartition(".")[2]
    if suffix in ("json", "xml"):
        return suffix
    for accepted in request.META.get("HTTP_ACCEPT", "").split(","):
        kind = accepted.partition(";")[0].strip()
        if kind in ("application/json", "application/xml"):
            return str(kind.rpartition("/")[2])
    return default


def empty(status: int) -> HttpResponse:
    return HttpResponse(status=status, content_type=content_type("json"))


def content_type(kind: str) -> str:
    return f"{_TYPES[kind]}; charset=UTF-8"


def answer_json(body: object, status: int = 200) -> HttpResponse:
    return answer_text(json.dumps(body), "json", status)


def answer_xml(root: ElementTree.Element, status: int = 200) -> HttpResponse:
    return answer_text(ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True), "xml", status)


def answer_text(text: str | bytes, kind: str, status: int = 200) -> HttpResponse:
    """What is written already, as the kind that it is."""
    return HttpResponse(text, status=status, content_type=content_type(kind))


def answer_lines(lines: Iterable[str], status: int = 200) -> HttpResponse:
    """One a line; nothing at all is 204."""
    text = "".join(f"{line}\n" for line in lines)
    return HttpResponse(text, status=status if text else 204, content_type=content_type("text"))


def render_fault(request: HttpRequest, fault: Fault) -> HttpResponse:
    """In XML only where the answer itself could have been in XML."""
    if isinstance(fault, OverLimit) and fault.data is not None:
        fault = refusal(fault)
        fault.name = "fault"  # as 0.21 passed on what the accounts' service said
    elif isinstance(fault, ItemNotFound) and fault.data is not None:
        fault = _no_holding(fault.data["provision"])
    if request.method not in ("GET", "POST") or serialization(request, "json") != "xml":
        response = answer_json(synnefo(fault), fault.status)
        if _is_text(request, fault):
            response["Content-Type"] = content_type("text")
        return response
    root = ElementTree.Element(fault.name, code=str(fault.status))
    ElementTree.SubElement(root, "message").text = fault.message
    ElementTree.SubElement(root, "details").text = fault.details
    return answer_xml(root, fault.status)


def _no_holding(provision: dict[str, Any]) -> Fault:
    """That a project cannot be charged, in the words in which 0.21 passed it on."""
    wanted = (provision[name] for name in ("holder", "source", "resource"))
    key = ", ".join(f"u{value!a}" if value else "None" for value in wanted)
    said = {"message": f"There is no such holding ({key})", "code": ItemNotFound.status,
            "data": {"provision": provision, "name": "NoHoldingError"}}  # fmt: skip
    fault = ItemNotFound("OK", details=json.dumps({ItemNotFound.name: said}))
    fault.name = "fault"
    return fault


def _is_text(request: HttpRequest, fault: Fault) -> bool:
    """Whether 0.21 called the fault a text, though it is JSON: where the answer itself would be one."""
    match = request.resolver_match
    lists = match is not None and "account" in match.kwargs and "name" not in match.kwargs
    where = lists or fault.status == RangeNotSatisfiable.status
    return where and request.method == "GET" and serialization(request) == "text"


def number(request: HttpRequest, name: str) -> int | None:
    """A parameter that is a whole number; anything else counts as not given."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def until(request: HttpRequest) -> datetime.datetime | None:
    seconds = number(request, "until")
    if seconds is None:
        return None
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def stamp(response: HttpResponseBase, modified: datetime.datetime) -> None:
    response["Last-Modified"] = http_date(modified.timestamp())


def iso(moment: datetime.datetime) -> str:
    """Always with fractions of a second: clients cut at the point."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="microseconds")


def _is_utf8(request: HttpRequest) -> bool:
    try:
        paths.as_sent(request)
    except UnicodeError:
        return False
    return True


def _check_headers(request: HttpRequest) -> None:
    for name, value in request.META.items():
        if name.startswith("HTTP_") and isinstance(value, str) and not (name + value).isascii():
            raise BadRequest("Bad character in headers.")
