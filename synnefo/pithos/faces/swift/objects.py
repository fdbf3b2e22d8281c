"""Reading objects: HEAD and GET of ``v1/AUTH_<uuid>/<container>/<object>``."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from synnefo.common.faults import PreconditionFailed, RangeNotSatisfiable
from synnefo.common.http.rendering import swift as rendered
from synnefo.pithos.faces import conditions, ranges, streams, wholes
from synnefo.pithos.faces.conditions import NotModified, check_dates
from synnefo.pithos.faces.joined import Joined
from synnefo.pithos.faces.ranges import Span
from synnefo.pithos.faces.swift import expiry, kit, metadata, shown, versions
from synnefo.pithos.faces.swift.following import Elsewhere, LinkBroken
from synnefo.pithos.faces.swift.shown import Shown
from synnefo.pithos.namespace.names import Path


def head(request: HttpRequest, account: str, container: str, name: str) -> HttpResponseBase:
    return _answer(request, Path(account, container, name))


def show(request: HttpRequest, account: str, container: str, name: str) -> HttpResponseBase:
    """GET: the content, or some of it."""
    return _answer(request, Path(account, container, name))


def _answer(request: HttpRequest, path: Path) -> HttpResponseBase:
    try:
        found = shown.of_request(request, kit.caller(request), path)
    except Elsewhere as elsewhere:
        fault = kit.refusal(request, elsewhere.fault)
        response: HttpResponseBase = rendered(fault, kit.PREFIX + path.account)
        response["Content-Location"] = elsewhere.location
        return response
    except LinkBroken as broken:
        response = rendered(broken)
        response["Content-Location"] = broken.location
        return response
    except versions.Deleted as deleted:
        response = rendered(deleted)
        response["X-Object-Version-Id"] = (deleted.data or {})["version"]
        response["Content-Type"] = versions.GONE
        return response
    refused = _refusal(request, found)
    return _described(refused if refused is not None else _content(request, found), found)


def _described(response: HttpResponseBase, found: Shown) -> HttpResponseBase:
    """The answer with all that is known of the object; a refusal keeps the type of its words."""
    describe(response, found, is_sent=response.status_code < 300)
    return response


def describe(headers: kit.Headers, found: Shown, *, is_sent: bool) -> None:
    """All that is known of an object; ``is_sent`` if it is what is answered, and no refusal."""
    version = found.version
    headers["ETag"] = found.sent_etag
    headers["Last-Modified"] = kit.last_modified(version.modified)
    headers["X-Timestamp"] = kit.timestamp(version.modified)
    headers["Accept-Ranges"] = "bytes"
    for name, value in found.more.items():
        headers[name] = value
    if is_sent:
        headers["Content-Security-Policy"] = streams.STRANGER
        metadata.put_object(headers, version.own_attributes)
        expiry.put(headers, version)


def _refusal(request: HttpRequest, found: Shown) -> HttpResponse | None:
    """The answer if the conditions of the request do not hold."""
    try:
        conditions.check_read(request, found.version, found.etag)
        check_dates(request, kit.rounded_up(found.version.modified))
    except NotModified:
        return kit.empty(304, found.content_type)
    except PreconditionFailed as fault:
        return rendered(fault)
    return None


def _content(request: HttpRequest, found: Shown) -> HttpResponseBase:
    if request.method == "HEAD" and "X-Parts-Count" not in found.more:
        response: HttpResponseBase = HttpResponse(content_type=found.content_type)
        response["Content-Length"] = str(found.size_bytes)
        return response
    wholes.require_available(found.version)
    try:
        spans = _spans(request, found)
    except RangeNotSatisfiable as fault:
        response = rendered(fault)
        if request.method == "HEAD":
            response = kit.empty(fault.status)
        response["Content-Range"] = f"bytes */{found.size_bytes}"
        return response
    if spans is None:
        return streams.whole(found.content, found.content_type)
    if len(spans) == 1:
        return streams.part(found.content, spans[0], found.content_type)
    return streams.parts(found.content, spans, f"Content-Type: {found.content_type}")


def _spans(request: HttpRequest, found: Shown) -> list[Span] | None:
    if "X-Parts-Count" in found.more:
        if found.part is None:
            raise RangeNotSatisfiable("The requested part number is not satisfiable")
        return [found.part]
    header, condition = request.META.get("HTTP_RANGE", ""), request.META.get("HTTP_IF_RANGE", "").strip()
    if request.GET.get("multipart-manifest") == "get" and not isinstance(found.content, Joined):
        header = ""
    if condition and condition.strip('"') not in (found.etag, kit.last_modified(found.version.modified)):
        return None
    if isinstance(found.content, Joined) and "," in header and "X-Static-Large-Object" not in found.more:
        header = ""  # as Swift does with dynamic large objects
    return ranges.satisfiable(header, found.size_bytes) if header else None
