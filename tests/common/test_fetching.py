"""Content from addresses that strangers choose: nothing is reached that only this host reaches."""

from __future__ import annotations

import http.server
import ipaddress
import socket
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from synnefo.common.faults import BadRequest, RequestTooLarge
from synnefo.common.http import fetching

CONTENT = b"disk" * 1000
HERE = ("127.0.0.0/8",)


class Handler(http.server.BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers["Host"]))
        name, _, rest = self.path.strip("/").partition("/")
        if name == "to":
            self.send_response(302)
            self.send_header("Location", rest)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(404 if name == "nothing" else 200)
        self.send_header("Content-Length", str(len(CONTENT) + (name == "cut")))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.seen.clear()
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield f"127.0.0.1:{made.server_address[1]}"
    made.shutdown()


def fetch(url: str, allowed: tuple[str, ...] = HERE, **more: Any) -> bytes:
    wanted = {"most_bytes": 10**6, "deadline_s": 30.0, "allowed": allowed, **more}
    return b"".join(fetching.fetch(url, **wanted))


def test_content_comes_whole(server: str) -> None:
    assert fetch(f"http://{server}/disk") == CONTENT
    assert Handler.seen == [("/disk", server)]


def test_redirects_are_followed_some_way(server: str) -> None:
    assert fetch(f"http://{server}/to//disk") == CONTENT
    far = "/".join(["to"] * 9)
    with pytest.raises(BadRequest, match="redirects"):
        fetch(f"http://{server}/{far}")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://10.1.2.3/x", "http://169.254.169.254/latest/meta-data/", "http://0.0.0.0/",
        "http://192.168.0.1/", "http://[::1]/", "http://[fe80::1]/", "http://[fd00::1]/", "http://[::]/",
        "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
        "http://224.0.0.1/", "http://255.255.255.255/", "http://198.18.0.4/", "http://100.64.0.1/",
        "ftp://example.org/x", "file:///etc/passwd", "gopher://example.org/", "http:///x", "http://", "x", "",
        "http://user:password@example.org/", "http://example.org:22/", "http://example.org:6x/",
        "http://example.org/" + "x" * 3000, "http://example.org/\n",
    ],
)  # fmt: skip
def test_what_may_not_be_asked_for_is_refused_at_once(url: str) -> None:
    with pytest.raises(BadRequest):
        fetching.check(url)
    with pytest.raises(BadRequest):
        fetch(url, allowed=())


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost"])
def test_a_name_that_means_this_host_is_refused(server: str, host: str) -> None:
    with pytest.raises(BadRequest):
        fetch(f"http://{host}:{server.rpartition(':')[2]}/disk", allowed=())
    assert Handler.seen == []


@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/", "http://10.0.0.1/", "file:///etc/passwd", "http://[::1]/"]
)
def test_a_redirect_leads_nowhere_that_could_not_be_asked_for(server: str, to: str) -> None:
    with pytest.raises(BadRequest):
        fetch(f"http://{server}/to/{to}")
    assert len(Handler.seen) == 1


def test_one_bad_address_among_several_is_enough(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def two(*_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", (address, 80)) for address in ("198.51.99.1", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with pytest.raises(BadRequest, match=r"10\.0\.0\.1"):
        fetch("http://mirror.example.org/")


def test_the_connection_goes_to_the_address_that_was_looked_at(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that means something else at the second look-up: there is none."""
    port = int(server.rpartition(":")[2])
    answers = iter([[(2, 1, 6, "", ("127.0.0.1", port))]])
    asked: list[str] = []

    def once(host: Any, *_: Any, **__: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        try:
            return [(2, 1, 6, "", (str(ipaddress.ip_address(name)), port))]
        except ValueError:
            asked.append(name)
            return next(answers)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    assert fetch(f"http://mirror.example.org:{port}/disk") == CONTENT
    assert asked == ["mirror.example.org"]
    assert Handler.seen == [("/disk", f"mirror.example.org:{port}")]


def test_what_is_not_there_or_not_whole_is_refused(server: str) -> None:
    for path in ("nothing", "cut"):
        with pytest.raises(BadRequest):
            fetch(f"http://{server}/{path}")
    with pytest.raises(RequestTooLarge):
        fetch(f"http://{server}/disk", most_bytes=len(CONTENT) - 1)
    with pytest.raises(BadRequest, match="too long"):
        fetch(f"http://{server}/disk", deadline_s=-1.0)
    with pytest.raises(BadRequest):
        fetch("http://127.0.0.1:1/")
