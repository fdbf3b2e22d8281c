"""The body of a request: how long it may be, and its pieces."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from synnefo.common.faults import BadRequest, Fault, LengthRequired
from synnefo.common.http.streams import Body, is_chunked, read

_TOO_LONG = "The body of the request is too long."


def length_of(request: HttpRequest, *, too_long: type[Fault] = BadRequest) -> int | None:
    """The length that is announced, None if the body comes in chunks.

    Raises LengthRequired if neither is said, BadRequest, ``too_long``.
    """
    if is_chunked(request):
        return None
    text = request.META.get("CONTENT_LENGTH") or ""
    if not text:
        raise LengthRequired("Missing or invalid Content-Length header")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("Missing or invalid Content-Length header")
    if int(text) > settings.PITHOS_MAX_UPLOAD_BYTES:
        raise too_long(_TOO_LONG)
    return int(text)


def has_body(request: HttpRequest) -> bool:
    return is_chunked(request) or (request.META.get("CONTENT_LENGTH") or "0") != "0"


def pieces(request: HttpRequest, *, too_long: type[Fault] = BadRequest) -> Body:
    """The body. Raises BadRequest if it is cut short, ``too_long`` if it is longer than is taken."""
    length = length_of(request, too_long=too_long)
    return read(request, length, settings.PITHOS_MAX_UPLOAD_BYTES, too_long(_TOO_LONG))


def whole(request: HttpRequest, most_bytes: int) -> bytes:
    """A body that is short. Raises BadRequest if it is not."""
    found = bytearray()
    for piece in pieces(request):
        found += piece
        if len(found) > most_bytes:
            raise BadRequest(_TOO_LONG)
    return bytes(found)
