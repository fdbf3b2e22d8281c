"""A request's body as a stream that is read once, in bounded pieces: for content that no memory holds."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest

from synnefo.common.faults import BadRequest, RequestTooLarge

_PIECE = 256 * 1024


def pieces(request: HttpRequest, most_bytes: int) -> Iterator[bytes]:
    """The body, of a length that was announced or in chunks. Raises BadRequest, RequestTooLarge."""
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    text = request.META.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("The Content-Length is no length.")
    left = None if chunked else int(text)
    if left is not None and left > most_bytes:
        raise RequestTooLarge(f"The body has more than {most_bytes} bytes.")
    return _read(request, left, most_bytes)


def _read(request: HttpRequest, left: int | None, most_bytes: int) -> Iterator[bytes]:
    stream, allowed = request.META["wsgi.input"], most_bytes
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
            raise RequestTooLarge(f"The body has more than {most_bytes} bytes.")
        left = None if left is None else left - len(piece)
        yield piece
