"""What the WSGI application sees and says through the bridge, with a client made of messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest

from synnefo.common.http.lanes import Answer
from synnefo.up.bridge import Bridge, ClientGoneError

SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "PUT",
    "scheme": "http",
    "path": "/a/\N{LATIN SMALL LETTER E WITH ACUTE}",
    "raw_path": b"/a%2F%C3%A9%FF",
    "query_string": b"x=%41",
    "server": ("127.0.0.1", "8082"),
    "client": ("192.0.2.7", "40000"),
    "headers": [
        (b"host", b"here"), (b"content-type", b"text/plain"), (b"cookie", b"a=1"), (b"cookie", b"b=2"),
        (b"x-object-meta-a", b"1"), (b"x-object-meta-a", b"2"),
    ],
}  # fmt: skip

MIB = 1024 * 1024

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def body(*pieces: bytes, ends: bool = True) -> list[dict[str, Any]]:
    found = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    last = {"type": "http.request", "body": b"", "more_body": False} if ends else {"type": "http.disconnect"}
    return [*found, last]


def announcing(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {**SCOPE, "headers": [*SCOPE["headers"], *headers]}


def exchange(
    application: Application,
    messages: Iterable[dict[str, Any]] = (),
    scope: dict[str, Any] = SCOPE,
    **ways: Any,
) -> list[dict[str, Any]]:
    """What the client is sent."""
    coming, sent = list(messages), []

    async def receive() -> dict[str, Any]:
        if not coming:
            await asyncio.Event().wait()
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    bridge = Bridge(application, threads=1, stalled_s=0.2, **ways)
    asyncio.run(bridge(scope, receive, send))
    return sent


def content(sent: list[dict[str, Any]]) -> bytes:
    return b"".join(message.get("body", b"") for message in sent)


def test_the_request_is_as_wsgi_has_it() -> None:
    seen = {}

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        seen.update(environ)
        start("204 No Content", [("X-Answer", "yes")])
        return []

    sent = exchange(application)
    wanted = {
        "REQUEST_METHOD": "PUT", "PATH_INFO": b"/a/\xc3\xa9\xff".decode("latin-1"), "QUERY_STRING": "x=%41",
        "CONTENT_TYPE": "text/plain", "HTTP_HOST": "here", "HTTP_COOKIE": "a=1; b=2",
        "HTTP_X_OBJECT_META_A": "1,2", "REMOTE_ADDR": "192.0.2.7", "SERVER_PROTOCOL": "HTTP/1.1",
    }  # fmt: skip
    assert {name: seen[name] for name in wanted} == wanted
    assert (sent[0]["status"], sent[0]["headers"]) == (204, [(b"x-answer", b"yes")])
    assert [message.get("more_body") for message in sent] == [None, False]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([("read", 3), ("read", 100), ("read", 1)], [b"one", b"\ntwo\nthree", b""]),
        ([("read",)], [b"one\ntwo\nthree"]),
        ([("readline",), ("readline", 2), ("readline",), ("readline",)], [b"one\n", b"tw", b"o\n", b"three"]),
        ([("readline",), ("read", 2), ("readline",)], [b"one\n", b"tw", b"o\n"]),
    ],
)
@pytest.mark.parametrize("headers", [(), ((b"content-length", b"13"),), ((b"content-length", b"99999"),)])
def test_bodies_are_read_by_bytes_and_by_lines(
    headers: tuple[tuple[bytes, bytes], ...], calls: list[tuple[Any, ...]], expected: list[bytes]
) -> None:
    found: list[bytes] = []

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        found.extend(getattr(environ["wsgi.input"], name)(*size) for name, *size in calls)
        start("200 OK", [])
        return [b"done"]

    sent = exchange(application, body(b"on", b"e\ntw", b"o\nthree"), announcing(*headers))
    assert content(sent) == b"done"
    assert found == expected


def test_a_body_is_taken_as_it_came_between_other_ways_of_reading() -> None:
    found: list[bytes] = []

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        stream = environ["wsgi.input"]
        found.extend([stream.read1(), stream.read1(1), stream.read(2), stream.readline(), stream.read1(100)])
        found.extend([stream.read(), stream.read1(), stream.read1(5)])
        start("200 OK", [])
        return []

    exchange(application, body(b"on", b"e\ntw", b"o\nthree", b"", b"four", b"five"))
    assert found == [b"on", b"e", b"\nt", b"wo\n", b"three", b"fourfive", b"", b""]


def test_a_line_is_not_kept_back_until_more_comes() -> None:
    found: list[bytes] = []

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        found.append(environ["wsgi.input"].readline())
        start("200 OK", [])
        return []

    exchange(application, body(b"on", b"e\ntw")[:2])
    assert found == [b"one\n"]


def test_whole_blocks_are_not_kept_back_until_more_comes() -> None:
    """However the pieces lie in which they come."""
    found = bytearray()

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        with suppress(ClientGoneError):
            while piece := environ["wsgi.input"].read1(MIB):
                found.extend(piece)
        start("200 OK", [])
        return []

    step = 417_792
    exchange(application, body(*[bytes(step)] * (4 * MIB // step + 1))[:-1])
    assert len(found) >= 4 * MIB


def test_a_body_comes_right_into_memory_between_other_ways_of_reading() -> None:
    """A piece that does not fit in is not lost, and memory is filled however the pieces lie."""
    found, memory = list[bytes](), memoryview(bytearray(4))

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        stream = environ["wsgi.input"]

        def filled(size: int) -> bytes:
            return bytes(memory[: stream.readinto(memory[:size])])

        found.extend([filled(4), filled(1), stream.readline(), filled(4), stream.read1(1), stream.read(2)])
        found.extend([stream.read1(100), filled(4), stream.readline(), filled(4), filled(4)])
        start("200 OK", [])
        return []

    exchange(application, body(b"on", b"e", b"two\nthr", b"eefour", b"", b"five", b"si\nx", b"yz"))
    assert found == [b"onet", b"w", b"o\n", b"thre", b"e", b"fo", b"ur", b"five", b"si\n", b"xyz", b""]


def test_filled_memory_is_not_kept_back_until_more_comes() -> None:
    found = bytearray()

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        memory = memoryview(bytearray(4 * MIB))
        with suppress(ClientGoneError):
            while length := environ["wsgi.input"].readinto(memory):
                found.extend(memory[:length])
        start("200 OK", [])
        return []

    step = 417_792
    exchange(application, body(*[bytes(step)] * (4 * MIB // step + 1))[:-1])
    assert len(found) == 4 * MIB


@pytest.mark.parametrize("headers", [(), ((b"content-length", b"8"),)])
@pytest.mark.parametrize("messages", [body(b"half", ends=False), body(b"half")[:1]])
def test_a_body_that_does_not_end_is_an_error(
    messages: list[dict[str, Any]], headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        with pytest.raises(ClientGoneError):
            environ["wsgi.input"].read()
        start("400 Bad Request", [])
        return [b"cut short"]

    assert content(exchange(application, messages, announcing(*headers))) == b"cut short"


def test_a_short_body_that_does_not_come_holds_no_thread() -> None:
    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b"done"]

    async def nothing() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def both() -> list[dict[str, Any]]:
        bridge, sent = Bridge(application, threads=1, stalled_s=60), []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        stalled = asyncio.create_task(bridge(announcing((b"content-length", b"8")), nothing, send))
        await asyncio.sleep(0)
        await bridge(SCOPE, nothing, send)
        stalled.cancel()
        return sent

    assert content(asyncio.run(both())) == b"done"


def test_a_body_is_not_asked_for_before_the_application_wants_it_where_that_is_the_condition() -> None:
    asked = []

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        asked.append(len(waiting))
        start("401 Unauthorized", [])
        return [b"no"]

    waiting = body(b"12345678")
    scope = announcing((b"content-length", b"8"), (b"expect", b"100-continue"))

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        pass

    asyncio.run(Bridge(application, threads=1, stalled_s=60)(scope, receive, send))
    assert asked == [2]


def test_nothing_more_is_made_for_a_client_that_left() -> None:
    made = []

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [])
        for number in range(1000):
            made.append(number)
            yield b"x"

    exchange(application, [*body(), {"type": "http.disconnect"}])
    assert len(made) < 10


def test_long_answers_come_in_pieces_and_in_order() -> None:
    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [])
        return iter([b"%d " % number for number in range(100)])

    sent = exchange(application)
    assert content(sent) == b"".join(b"%d " % number for number in range(100))
    assert [message["more_body"] for message in sent[1:]] == [True] * 99 + [False]


def refusing(environ: dict[str, Any], start: Any) -> list[bytes]:
    start("404 Not Found", [])
    return [b"the application"]


def answered(
    scope: dict[str, Any], messages: Iterable[dict[str, Any]] = (), **ways: Any
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    sent = exchange(refusing, messages, scope, **ways)
    return sent[0]["status"], sent[0]["headers"], content(sent)


@pytest.mark.parametrize(
    ("given", "sent"),
    [(b"all of it", b"all of it"), ([b"in ", b"pieces"], b"in pieces"), ([], b"")],
)
def test_what_is_answered_at_once_does_not_come_to_the_application(given: Any, sent: bytes) -> None:
    class Plain:
        def asked(self, scope: Any, body: memoryview | None) -> str | None:
            return scope["path"] if scope["path"].startswith("/plain") else None

        def answers(self, asked: Any) -> list[Answer | None]:
            known = Answer(200, [(b"x-way", b"short")], given)
            return [known if path == "/plain" else None for path in asked]

    ways = {"prompts": [Plain()]}
    assert answered({**SCOPE, "path": "/plain"}, **ways) == (200, [(b"x-way", b"short")], sent)
    assert answered({**SCOPE, "path": "/plainly not"}, **ways) == (404, [], b"the application")
    assert answered(SCOPE, **ways) == (404, [], b"the application")


class Echo:
    """A lane of PUTs with a short body, of which it answers those that are no more than ``b"no"``."""

    def asked(self, scope: Any, body: memoryview | None) -> bytes | None:
        return bytes(body) if scope["method"] == "PUT" and body is not None else None

    def answers(self, asked: Any) -> list[Answer | None]:
        return [None if body == b"no" else Answer(201, [], body) for body in asked]


@pytest.mark.parametrize(
    ("length", "sent", "expected"),
    [
        (b"6", b"a body", (201, [], b"a body")),
        (b"0", b"", (201, [], b"")),
        (b"2", b"no", (404, [], b"the application")),
        (b"70000", b"x" * 70000, (404, [], b"the application")),
        (b"", b"unannounced", (404, [], b"the application")),
    ],
)
def test_a_lane_is_given_short_bodies_and_leaves_the_rest_to_the_application(
    length: bytes, sent: bytes, expected: tuple[int, list[tuple[bytes, bytes]], bytes]
) -> None:
    scope = announcing((b"content-length", length)) if length else SCOPE
    assert answered(scope, body(sent), lanes=[Echo()]) == expected


def test_what_the_lane_left_is_read_by_the_application_as_it_was_sent() -> None:
    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [environ["wsgi.input"].read()]

    scope = announcing((b"content-length", b"2"))
    assert content(exchange(application, body(b"no"), scope, lanes=[Echo()])) == b"no"
