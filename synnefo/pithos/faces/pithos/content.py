"""An object's content as clients get it, by whichever way they come: whole, in ranges, or of a manifest."""

from __future__ import annotations

import dataclasses
from urllib.parse import quote

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from synnefo.common.caller import Caller
from synnefo.pithos.faces import ranges, streams, wholes
from synnefo.pithos.faces.pithos import headers
from synnefo.pithos.faces.ranges import Span
from synnefo.pithos.namespace.models import Version

_DISPOSITIONS = ("inline", "attachment")


@dataclasses.dataclass(frozen=True)
class Shown:
    """A version, and what is sent for it: its own content, or that of the objects that it stands for."""

    version: Version
    name: str
    content: streams.Sendable
    etag: str

    @property
    def content_type(self) -> str:
        return self.version.content_type or "application/octet-stream"


def shown(caller: Caller, account: str, name: str, version: Version, *, strict: bool = False) -> Shown:
    """A version as the caller reads it. With ``strict`` raises BadRequest for a senseless manifest.

    Raises Conflict for a large object of which a part is not what it was.
    """
    return Shown(version, name, *wholes.read_by(caller, account, version, strict=strict))


def sent(request: HttpRequest, shown: Shown) -> HttpResponseBase:
    """Its content, or the ranges of it that are asked for. Raises RangeNotSatisfiable."""
    wholes.require_available(shown.version)
    spans = _spans(request, shown)
    if spans is None:
        response: HttpResponseBase = streams.whole(shown.content, shown.content_type)
    elif len(spans) == 1:
        response = streams.part(shown.content, spans[0], shown.content_type)
    else:
        response = streams.parts(shown.content, spans, "Content-Transfer-Encoding: binary")
    response["Content-Disposition"] = _disposition(request, shown)
    return response


def describe(response: HttpResponseBase, shown: Shown) -> None:
    """What everybody is told who may read it."""
    response["Content-Security-Policy"] = streams.STRANGER
    response["ETag"] = shown.etag
    response["Available"] = str(shown.version.available)
    response["Last-Modified"] = http_date(shown.version.modified.timestamp())
    for key in ("Content-Encoding", "Content-Disposition"):
        value = shown.version.own_attributes.get(key, "")
        if value and key not in response:  # a disposition that was asked for wins
            response[key] = headers.encoded(value)


def _disposition(request: HttpRequest, shown: Shown) -> str:
    asked = request.GET.get("disposition-type")
    stored = shown.version.own_attributes.get("Content-Disposition", "")
    if stored and asked not in _DISPOSITIONS:
        return headers.encoded(stored)
    kind = asked if asked in _DISPOSITIONS else "inline"
    return f'{kind}; filename="{quote(shown.name, safe="/=,:@; ")}"'


def _spans(request: HttpRequest, shown: Shown) -> list[Span] | None:
    header, condition = request.META.get("HTTP_RANGE", ""), request.META.get("HTTP_IF_RANGE", "").strip()
    if not header:
        return None
    if condition:
        version = shown.version
        tags = {shown.etag, version.hash, http_date(version.modified.timestamp())}
        if condition.removeprefix("W/").strip('"') not in tags:
            return None
    return ranges.asked(header, shown.content.size_bytes)
