"""GET and HEAD: a file or a part of it; of a folder, the names that are in it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from synnefo.common.caller import Caller
from synnefo.common.faults import RangeNotSatisfiable
from synnefo.pithos.faces import conditions, ranges, streams, wholes
from synnefo.pithos.faces.ranges import Span
from synnefo.pithos.faces.webdav import kit, places, resources
from synnefo.pithos.faces.webdav.resources import Resource
from synnefo.pithos.namespace.models import Version


def get(request: HttpRequest, caller: Caller, path: str) -> HttpResponseBase:
    found = resources.get(caller, places.find(caller, path))
    version = found.version
    if found.is_folder or not isinstance(version, Version):
        return _names(caller, found)
    wholes.require_available(version)
    content, tag = wholes.read_by(caller, found.place.account, version)
    conditions.check_read(request, version, tag)
    if "HTTP_IF_NONE_MATCH" not in request.META:
        conditions.check_dates(request, found.modified)
    kind = version.content_type or "application/octet-stream"
    try:
        spans = _spans(request, found, tag, content)
    except RangeNotSatisfiable as fault:
        refused = kit.rendered(fault)
        refused["Content-Range"] = f"bytes */{content.size_bytes}"
        return refused
    if request.method == "HEAD":
        response: HttpResponseBase = HttpResponse(content_type=kind)
        response["Content-Length"] = str(content.size_bytes)
    elif not spans:
        response = streams.whole(content, kind)
    elif len(spans) == 1:
        response = streams.part(content, spans[0], kind)
    else:
        response = streams.parts(content, spans, f"Content-Type: {kind}")
    response["ETag"] = f'"{tag}"'
    response["Last-Modified"] = http_date(found.modified.timestamp())
    response["Accept-Ranges"] = "bytes"
    response["Content-Security-Policy"] = streams.STRANGER
    return response


def _spans(request: HttpRequest, found: Resource, tag: str, content: streams.Sendable) -> list[Span] | None:
    header, condition = request.META.get("HTTP_RANGE", ""), request.META.get("HTTP_IF_RANGE", "").strip()
    if not header or request.method == "HEAD":
        return None
    if condition and condition not in (f'"{tag}"', http_date(found.modified.timestamp())):
        return None
    return ranges.satisfiable(header, content.size_bytes)


def _names(caller: Caller, folder: Resource) -> HttpResponse:
    rows = (f"{one.place.leaf}{'/' if one.is_folder else ''}\n" for one in resources.members(caller, folder))
    response = HttpResponse("".join(rows), content_type="text/plain; charset=utf-8")
    response["Content-Security-Policy"] = streams.STRANGER
    return response
