"""A request's body as a stream that is read once, in bounded pieces: for content that no memory holds."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest

from synnefo.common.faults import BadRequest, Fault, RequestTooLarge

_PIECE = 1024 * 1024


def pieces(request: HttpRequest, most_bytes: int) -> Iterator[bytes]:
    """The body, of a length that was announced or in chunks. Raises BadRequest, RequestTooLarge."""
    text = request.META.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("The Content-Length is no length.")
    return read(request, None if is_chunked(request) else int(text), most_bytes)


def is_chunked(request: HttpRequest) -> bool:
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()


def read(
    request: HttpRequest, length: int | None, most_bytes: int, too_long: Fault | None = None
) -> Iterator[bytes]:
    """So many bytes of the body, or all of it. Raises BadRequest if it is cut short, ``too_long``."""
    refusal = too_long or RequestTooLarge(f"The body has more than {most_bytes} bytes.")
    if length is not None and length > most_bytes:
        raise refusal
    return _pieces(request, length, most_bytes, refusal)


def _pieces(request: HttpRequest, left: int | None, allowed: int, refusal: Fault) -> Iterator[bytes]:
    stream = request.META["wsgi.input"]
    take = getattr(stream, "read1", stream.read)  # what has come, without joining it
    while left is None or left > 0:
        try:
            piece = take(_PIECE if left is None else min(_PIECE, left))
        except OSError as error:
            raise BadRequest("The body was cut short.") from error
        if not piece:
            if left:
                raise BadRequest("The body was cut short.")
            return
        allowed -= len(piece)
        if allowed < 0:
            raise refusal
        left = None if left is None else left - len(piece)
        yield piece
