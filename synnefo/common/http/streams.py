"""A request's body as a stream that is read once, in bounded pieces: for content that no memory holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest

from synnefo.common.faults import BadRequest, Fault, RequestTooLarge

_PIECE = 1024 * 1024
_CUT_SHORT = "The body was cut short."


def pieces(request: HttpRequest, most_bytes: int) -> Body:
    """The body, of a length that was announced or in chunks. Raises BadRequest, RequestTooLarge."""
    text = request.META.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("The Content-Length is no length.")
    return read(request, None if is_chunked(request) else int(text), most_bytes)


def is_chunked(request: HttpRequest) -> bool:
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()


def read(request: HttpRequest, length: int | None, most_bytes: int, too_long: Fault | None = None) -> Body:
    """So many bytes of the body, or all of it. Raises BadRequest if it is cut short, ``too_long``."""
    refusal = too_long or RequestTooLarge(f"The body has more than {most_bytes} bytes.")
    if length is not None and length > most_bytes:
        raise refusal
    return Body(request.META["wsgi.input"], length, most_bytes, refusal)


class Body(Iterator[bytes]):
    """A body that is read once: in pieces as they come, not longer than a MiB, or right into memory.

    It has ``left`` bytes, or as many as come; ``refusal`` is raised if they are more than are allowed.
    """

    def __init__(self, stream: Any, left: int | None, allowed: int, refusal: Fault) -> None:
        self._take = getattr(stream, "read1", stream.read)  # what has come, without joining it
        self._fill = getattr(stream, "readinto", None)
        self._left, self._allowed, self._refusal = left, allowed, refusal

    def __next__(self) -> bytes:
        if piece := self._piece(_PIECE):
            return piece
        raise StopIteration

    def readinto(self, memory: memoryview) -> int:
        """Fill the memory, unless the body ends before; returns how much came."""
        length = 0
        while length < len(memory) and (came := self._some(memory[length:])):
            length += came
        return length

    def _some(self, memory: memoryview) -> int:
        """Of what is left, as much as the stream likes to fill in at once; none at the end."""
        if self._fill is None:
            piece = self._piece(min(_PIECE, len(memory)))
            memory[: len(piece)] = piece
            return len(piece)
        came = 0
        if wanted := self._wanted(len(memory)):
            with _patience():
                came = self._fill(memory[:wanted])
            self._count(came)
        return came

    def _piece(self, most_bytes: int) -> bytes:
        """Empty at the end."""
        piece = b""
        if wanted := self._wanted(most_bytes):
            with _patience():
                piece = self._take(wanted)
            self._count(len(piece))
        return piece

    def _wanted(self, most_bytes: int) -> int:
        return most_bytes if self._left is None else min(most_bytes, self._left)

    def _count(self, came: int) -> None:
        self._allowed -= came
        if self._allowed < 0:
            raise self._refusal
        if self._left is not None:
            if not came:
                raise BadRequest(_CUT_SHORT)
            self._left -= came


@contextmanager
def _patience() -> Iterator[None]:
    """Waiting for the client, who may leave."""
    try:
        yield
    except OSError as error:
        raise BadRequest(_CUT_SHORT) from error
