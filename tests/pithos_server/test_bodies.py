"""Bodies as they come on the wire: chunked, announced, asked for, longer than any memory."""

from __future__ import annotations

import hashlib
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.pithos_server.servers import KIB, MIB, Group, pieces

pytestmark = pytest.mark.host

LARGE_BYTES = 2 * 1024 * MIB
MOST_BYTES = 64 * MIB


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def test_a_body_of_unknown_length_comes_back(objects: Group) -> None:
    content = b"".join(pieces(9 * MIB + 17))
    status, headers, _ = objects.put("c/chunked", pieces(9 * MIB + 17, piece_bytes=64 * KIB))
    assert (status, headers["ETag"]) == (201, md5(content))
    status, headers, body = objects.request("GET", "c/chunked")
    assert (status, headers["Content-Length"]) == (200, str(len(content)))
    assert body == content
    status, headers, body = objects.request("GET", "c/chunked", Range="bytes=4194300-4194310")
    assert (status, body) == (206, content[4194300:4194311])


def test_bodies_that_come_at_the_same_time_do_not_get_into_each_other(objects: Group) -> None:
    """Of lengths around blocks, with NULs at the ends of blocks, in small and large pieces."""
    bodies = [
        b"".join(pieces(size_bytes)).replace(b"%c" % number, b"\0") + bytes(number)
        for number, size_bytes in enumerate(
            (4 * MIB - 1, 4 * MIB, 8 * MIB + 1, 12 * MIB + 4097, MIB, 9 * MIB)
        )
    ]

    def through(number: int) -> tuple[str, bool]:
        data, step = bodies[number], (MIB + 1, 10_007)[number % 2]
        sent = (data[at : at + step] for at in range(0, len(data), step))
        status, headers, _ = objects.put(f"c/together{number}", sent)
        assert status == 201
        return headers["ETag"], objects.request("GET", f"c/together{number}")[2] == data

    with ThreadPoolExecutor(len(bodies)) as clients:
        found = list(clients.map(through, range(len(bodies))))
    assert found == [(md5(data), True) for data in bodies]


def test_head_tells_the_length_without_a_body(objects: Group) -> None:
    objects.put("c/small", b"hello")
    status, headers, body = objects.request("HEAD", "c/small")
    assert (status, headers["Content-Length"], body) == (200, "5", b"")


def test_a_body_that_is_asked_for_is_stored(objects: Group) -> None:
    with objects.opened("c/expected", "Content-Length: 5", "Expect: 100-continue") as peer:
        assert peer.recv(65536).startswith(b"HTTP/1.1 100 Continue")
        peer.sendall(b"hello")
        assert peer.recv(65536).startswith(b"HTTP/1.1 201")
    assert objects.request("GET", "c/expected")[2] == b"hello"


def test_a_body_in_chunks_that_is_asked_for_is_stored(objects: Group) -> None:
    with objects.opened("c/expected", "Transfer-Encoding: chunked", "Expect: 100-continue") as peer:
        assert peer.recv(65536).startswith(b"HTTP/1.1 100 Continue")
        for piece in (b"5\r\n", b"hello\r\n", b"6;a=b\r\n world\r\n", b"0\r\n", b"\r\n"):
            peer.sendall(piece)
        assert peer.recv(65536).startswith(b"HTTP/1.1 201")
    assert objects.request("GET", "c/expected")[2] == b"hello world"


@pytest.mark.parametrize("objects", ["granian"], indirect=True)  # gunicorn asks before it asks us
def test_a_body_that_is_not_welcome_is_not_asked_for(objects: Group) -> None:
    opening = objects.opened("c/x", "Content-Length: 5", "Expect: 100-continue", token="nonsense")
    with opening as peer:
        assert peer.recv(65536).startswith(b"HTTP/1.1 401")


def test_a_body_that_ends_early_changes_nothing(objects: Group) -> None:
    objects.put("c/early", b"old")
    for length in ("Content-Length: 100", "Transfer-Encoding: chunked"):
        with objects.opened("c/early", length) as peer:
            peer.sendall(b"5\r\nhello\r\n")
            peer.shutdown(socket.SHUT_WR)
            assert b"201" not in peer.recv(65536)
    assert objects.request("GET", "c/early")[2] == b"old"


def test_gigabytes_pass_through_a_little_memory(objects: Group) -> None:
    objects.put("c/warm", pieces(16 * MIB))
    assert objects.request("GET", "c/warm")[0] == 200
    objects.forget_peaks()
    before = objects.memory_bytes()
    assert objects.put("c/large", pieces(LARGE_BYTES))[0] == 201
    uploaded = objects.memory_bytes()
    connection = objects.connection()
    connection.request("GET", objects.url("c/large"), headers={"X-Auth-Token": objects.cloud.token})
    response = connection.getresponse()
    assert (response.status, response.headers["Content-Length"]) == (200, str(LARGE_BYTES))
    assert all(response.read(len(piece)) == piece for piece in pieces(LARGE_BYTES))
    assert response.read() == b""
    connection.close()
    downloaded = objects.memory_bytes()
    assert (uploaded - before < MOST_BYTES, downloaded - before < MOST_BYTES) == (True, True)


def test_what_a_client_does_not_read_is_not_kept_for_it(objects: Group) -> None:
    objects.put("c/large", pieces(256 * MIB))
    objects.forget_peaks()
    before = objects.memory_bytes()
    connection = objects.connection()
    connection.request("GET", objects.url("c/large"), headers={"X-Auth-Token": objects.cloud.token})
    response = connection.getresponse()
    for _ in range(100):
        assert objects.request("HEAD", "c/large")[0] == 200
    assert objects.memory_bytes() - before < MOST_BYTES
    assert all(response.read(len(piece)) == piece for piece in pieces(256 * MIB))
    connection.close()
