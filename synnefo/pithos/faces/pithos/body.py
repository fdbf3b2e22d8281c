"""The body of a request as a stream that is read once, to its end, in bounded pieces."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest

from synnefo.common.faults import BadRequest, LengthRequired

_PIECE = 256 * 1024


def is_chunked(request: HttpRequest) -> bool:
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()


def length_of(request: HttpRequest) -> int | None:
    """The length that is announced, None if the body comes in chunks.

    Raises LengthRequired if neither is said, BadRequest.
    """
    if is_chunked(request):
        return None
    text = request.META.get("CONTENT_LENGTH") or ""
    if not text:
        raise LengthRequired("Missing or invalid Content-Length header")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("Missing or invalid Content-Length header")
    if int(text) > settings.PITHOS_MAX_UPLOAD_BYTES:
        raise _too_long()
    return int(text)


def has_body(request: HttpRequest) -> bool:
    return is_chunked(request) or (request.META.get("CONTENT_LENGTH") or "0") != "0"


def pieces(request: HttpRequest) -> Iterator[bytes]:
    """The body. Raises BadRequest if it is cut short or longer than is taken."""
    stream = request.META["wsgi.input"]
    left = length_of(request)
    allowed = settings.PITHOS_MAX_UPLOAD_BYTES if left is None else left
    while left is None or left > 0:
        try:
            piece = stream.read(_PIECE if left is None else min(_PIECE, left))
        except OSError as error:
            raise BadRequest("The body was cut short.") from error
        if not piece:
            if left:
                raise BadRequest("The body was cut short.")
            return
        allowed -= len(piece)
        if allowed < 0:
            raise _too_long()
        left = None if left is None else left - len(piece)
        yield piece


def whole(request: HttpRequest, most_bytes: int) -> bytes:
    """A body that is short. Raises BadRequest if it is not."""
    found = bytearray()
    for piece in pieces(request):
        found += piece
        if len(found) > most_bytes:
            raise _too_long()
    return bytes(found)


def _too_long() -> BadRequest:
    return BadRequest("The body of the request is too long.")
