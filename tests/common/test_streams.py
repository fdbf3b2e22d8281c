"""Bodies of requests, in pieces and right into memory, with streams that can only do the one or both."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.http import HttpRequest

from synnefo.common.faults import BadRequest, RequestTooLarge
from synnefo.common.http.streams import Body, pieces, read

CONTENT = bytes(range(10))


class Plain:
    """A stream as WSGI promises it."""

    def __init__(self, content: bytes) -> None:
        self._stream = io.BytesIO(content)

    def read(self, size: int) -> bytes:
        return self._stream.read(min(size, 3))


class Hasty(Plain):
    """One that fills memory with what has come."""

    def readinto(self, memory: memoryview) -> int:
        return self._stream.readinto(memory[:3])


class Gone(Plain):
    """A client that leaves in the middle."""

    def read(self, size: int) -> bytes:
        raise ConnectionError


@pytest.fixture(params=[Plain, Hasty, io.BytesIO])
def stream(request: pytest.FixtureRequest) -> Any:
    return request.param


def body(stream: Any, length: int | None, most_bytes: int = 100) -> Body:
    request = HttpRequest()
    request.META["wsgi.input"] = stream
    return read(request, length, most_bytes)


def filled(source: Body, size: int) -> bytes:
    memory = memoryview(bytearray(size))
    return bytes(memory[: source.readinto(memory)])


@pytest.mark.parametrize("length", [10, None])
def test_a_body_comes_in_pieces_or_into_memory(stream: Any, length: int | None) -> None:
    assert b"".join(body(stream(CONTENT), length)) == CONTENT
    source = body(stream(CONTENT), length)
    assert [filled(source, size) for size in (4, 5, 4, 4)] == [CONTENT[:4], CONTENT[4:9], CONTENT[9:], b""]


def test_nothing_behind_the_body_is_taken(stream: Any) -> None:
    assert b"".join(body(stream(CONTENT), 4)) == CONTENT[:4]
    assert filled(body(stream(CONTENT), 4), 100) == CONTENT[:4]


def test_a_body_that_is_cut_short_is_an_error(stream: Any) -> None:
    with pytest.raises(BadRequest):
        b"".join(body(stream(CONTENT), 11))
    source = body(stream(CONTENT), 11)
    with pytest.raises(BadRequest):
        [filled(source, 6) for _ in range(2)]


def test_a_client_that_leaves_is_an_error() -> None:
    with pytest.raises(BadRequest):
        next(body(Gone(CONTENT), 10))
    with pytest.raises(BadRequest):
        filled(body(Gone(CONTENT), None), 6)


def test_a_body_of_unknown_length_ends_when_it_is_too_long(stream: Any) -> None:
    assert b"".join(body(stream(CONTENT), None, most_bytes=10)) == CONTENT
    with pytest.raises(RequestTooLarge):
        b"".join(body(stream(CONTENT), None, most_bytes=9))
    with pytest.raises(RequestTooLarge):
        filled(body(stream(CONTENT), None, most_bytes=9), 100)


def test_a_length_that_is_too_long_is_refused_before() -> None:
    request = HttpRequest()
    request.META["CONTENT_LENGTH"] = "10"
    with pytest.raises(RequestTooLarge):
        pieces(request, most_bytes=9)
