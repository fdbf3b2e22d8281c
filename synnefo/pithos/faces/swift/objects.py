"""Reading objects: HEAD and GET of ``v1/AUTH_<uuid>/<container>/<object>``."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from synnefo.common.faults import PreconditionFailed, RangeNotSatisfiable
from synnefo.common.http.rendering import swift as rendered
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import md5_of
from synnefo.pithos.faces import conditions, ranges, streams
from synnefo.pithos.faces.conditions import NotModified, check_dates
from synnefo.pithos.faces.ranges import Span
from synnefo.pithos.faces.swift import kit, metadata
from synnefo.pithos.namespace import objects
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import Path


def head(request: HttpRequest, account: str, container: str, name: str) -> HttpResponseBase:
    version = objects.get(kit.caller(request), Path(account, container, name))
    refusal = _refusal(request, version)
    if refusal is not None:
        return described(refusal, version)
    response = described(HttpResponse(content_type=type_of(version)), version)
    response["Content-Length"] = str(version.size_bytes)
    return response


def show(request: HttpRequest, account: str, container: str, name: str) -> HttpResponseBase:
    """GET: the content, or some of it."""
    version = objects.get(kit.caller(request), Path(account, container, name))
    refusal = _refusal(request, version)
    if refusal is not None:
        return described(refusal, version)
    try:
        return described(_content(request, version), version)
    except RangeNotSatisfiable as fault:
        response = rendered(fault)
        response["Content-Range"] = f"bytes */{version.size_bytes}"
        return described(response, version)


def etag(version: Version) -> str:
    """The MD5 of the content; where nobody took it yet it is taken now, and kept."""
    if not version.checksum:
        content = version.content
        objects.note_checksum(version, md5_of(blocks(), content, settings.PITHOS_BACKEND_BLOCK_SIZE))
    return version.checksum


def type_of(version: Version) -> str:
    return metadata.sendable(version.content_type) or kit.OCTETS


def described(response: HttpResponseBase, version: Version) -> HttpResponseBase:
    """The answer with all that is known of the object; a refusal keeps the type of its words."""
    response["ETag"] = etag(version)
    response["Last-Modified"] = kit.last_modified(version.modified)
    response["X-Timestamp"] = kit.timestamp(version.modified)
    response["Accept-Ranges"] = "bytes"
    if response.status_code < 300:
        response["Content-Security-Policy"] = streams.STRANGER
        metadata.put_object(response, version.own_attributes)
    return response


def _refusal(request: HttpRequest, version: Version) -> HttpResponse | None:
    """The answer if the conditions of the request do not hold."""
    try:
        conditions.check_read(request, version, etag(version))
        check_dates(request, version.modified)
    except NotModified:
        return kit.empty(304, type_of(version))
    except PreconditionFailed as fault:
        return rendered(fault)
    return None


def _content(request: HttpRequest, version: Version) -> HttpResponseBase:
    content, kind = version.content, type_of(version)
    spans = _spans(request, version)
    if spans is None:
        return streams.whole(content, kind)
    if len(spans) == 1:
        return streams.part(content, spans[0], kind)
    return streams.parts(content, spans, f"Content-Type: {kind}")


def _spans(request: HttpRequest, version: Version) -> list[Span] | None:
    header, condition = request.META.get("HTTP_RANGE", ""), request.META.get("HTTP_IF_RANGE", "").strip()
    if condition and condition.strip('"') not in (etag(version), kit.last_modified(version.modified)):
        return None
    return ranges.satisfiable(header, version.size_bytes) if header else None
