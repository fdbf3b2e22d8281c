"""Objects: GET, HEAD and PUT of ``/<bucket>/<key>``.

Content is stored as it comes in, and named when all that was promised of it has held.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from synnefo.common.faults import RangeNotSatisfiable
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import keep
from synnefo.pithos.checksums import FULL_OBJECT
from synnefo.pithos.faces import ranges, streams, wholes
from synnefo.pithos.faces.joined import Joined
from synnefo.pithos.faces.ranges import Span
from synnefo.pithos.faces.s3 import access, checksums, conditions, kit, metadata, tagging, versions
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.namespace import numbered, objects, tags
from synnefo.pithos.namespace.models import S3, TAGS, Version
from synnefo.pithos.uploads import facts
from synnefo.pithos.uploads import rules as uploads

#: Parameters that say what an answer is to have in a header.
_OVERRIDES = {
    f"response-{name.lower()}": name
    for name in (
        "Content-Type",
        "Content-Language",
        "Expires",
        "Cache-Control",
        "Content-Disposition",
        "Content-Encoding",
    )
}


class Body(Protocol):
    """Content, and what comes behind it: ``trailers`` are there when all of it was read."""

    trailers: dict[str, str]

    def __iter__(self) -> Iterator[bytes]: ...


def get(asked: Asked) -> HttpResponseBase:
    """GET and HEAD: the object, or a part of it."""
    overrides = _overrides(asked)
    version = versions.found(asked)
    conditions.check_read(asked, version)
    wholes.require_available(version)
    content, tag = wholes.read_by(asked.caller, asked.account, version)
    response = _content(asked, version, content)
    described(asked, response, version)
    if isinstance(content, Joined):
        response["ETag"] = f'"{conditions.joined_etag(tag)}"'
    for name, value in overrides.items():
        response[name] = value
    if asked.method == "HEAD":
        return _without_content(response)
    return response


def put(asked: Asked) -> HttpResponse:
    """PUT: what comes in the body."""
    return written(asked, asked.payload())


def written(asked: Asked, payload: Body) -> HttpResponse:
    """Content becomes the object that a request describes."""
    metadata.refuse_promises(asked)
    incoming, attributes = checksums.incoming(asked), metadata.given(asked)
    tagged, also = tagging.in_header(asked), access.wish(asked, access.granted(asked))
    check = conditions.of_write(asked)
    seen = objects.look(asked.caller, asked.path, check)
    content = keep(blocks(), incoming.watch(payload), settings.PITHOS_BACKEND_BLOCK_SIZE)
    kit.check_md5(asked, content.md5)
    values = incoming.verified(payload.trailers)
    known = facts.about(content, checksums.of_whole(values))
    made = objects.write(
        asked.caller, asked.path, content, content_type=type_of(asked), attributes=attributes, check=check,
        seen=seen, more={S3: known, TAGS: tags.attributes(tagged)}, also=also,
    )  # fmt: skip
    numbered.forget_replaced(seen.container, asked.key)
    response = kit.empty()
    response["ETag"] = f'"{content.md5}"'
    versions.stamp(response, made, seen.container)
    for name, value in checksums.headers(values, FULL_OBJECT).items():
        response[name] = value
    return response


def described(asked: Asked, response: HttpResponseBase, version: Version) -> None:
    """Put all that is known of the object into the answer."""
    response["ETag"] = f'"{conditions.etag(version)}"'
    response["Last-Modified"] = http_date(version.modified.timestamp())
    response["Accept-Ranges"] = "bytes"
    response["Content-Security-Policy"] = streams.STRANGER
    metadata.put(response, version.own_attributes)
    versions.stamp(response, version, version.object.container)
    if count := len(tags.of(version)):
        response["x-amz-tagging-count"] = str(count)
    for name, value in checksums.shown(asked, version).items():
        response[name] = value


def type_of(asked: Asked) -> str:
    return asked.header("content-type") or metadata.OCTETS


def _content(asked: Asked, version: Version, content: streams.Sendable) -> HttpResponseBase:
    kind = metadata.sendable(version.content_type) or metadata.OCTETS
    header, part = asked.header("range"), asked.query.get("partNumber", "")
    if part and header:
        raise S3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter.")
    if part:
        span, count = _part(version, part, content.size_bytes)
        response = streams.part(content, span, kind) if span[0] < span[1] else streams.whole(content, kind)
        if count > 1:
            response["x-amz-mp-parts-count"] = str(count)
        return response
    try:
        spans = ranges.asked(header, content.size_bytes) if header else None
    except RangeNotSatisfiable:
        headers = {"Content-Range": f"bytes */{content.size_bytes}"}
        size = str(content.size_bytes)
        raise S3Error("InvalidRange", headers=headers, RangeRequested=header, ActualObjectSize=size) from None
    if spans is not None and len(spans) == 1:
        return streams.part(content, spans[0], kind)
    return streams.whole(content, kind)


def _part(version: Version, text: str, size_bytes: int) -> tuple[Span, int]:
    """Where a part of an object is that came in parts, and how many there are. Raises S3Error."""
    upload = uploads.of_version(version)
    sizes = [(number, size) for number, size, _ in upload.manifest] if upload else [(1, size_bytes)]
    start = 0
    for number, size in sizes:
        if text == str(number):
            return (start, start + size), len(upload.manifest) if upload else 0
        start += size
    about = {"PartNumberRequested": text, "ActualPartCount": str(len(sizes))}
    raise S3Error("InvalidPartNumber", **about)


def _without_content(response: HttpResponseBase) -> HttpResponse:
    bare = HttpResponse(status=response.status_code)
    for name, value in response.items():
        bare[name] = value
    return bare


def _overrides(asked: Asked) -> dict[str, str]:
    """Raises S3Error: nobody may put words into what others sent."""
    found = {_OVERRIDES[name]: text for name, text in asked.query.items() if name in _OVERRIDES}
    if found and asked.claim is None:
        message = "Request specific response headers cannot be used for anonymous GET requests."
        raise S3Error("InvalidRequest", message)
    return {name: metadata.sendable(text) for name, text in found.items()}
