"""Clients that begin to send and then fall silent."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.pithos_server.servers import MIB, PASSWORD, Cloud, Group, block, members, pieces, wait_for

pytestmark = [pytest.mark.host, pytest.mark.e2e]

STALLED = 64
SIGN_IN_S = 1.0


@pytest.fixture(params=["granian", "gunicorn"], scope="module")
def pages(request: pytest.FixtureRequest, cloud: Cloud) -> Iterator[Group]:
    with cloud.group(request.param, "pages") as group:
        yield group


@pytest.fixture(scope="module")
def objects(pages: Group, cloud: Cloud) -> Iterator[Group]:
    """Beside the pages, under the same server."""
    kind = "granian" if "synnefo.up.web" in pages.command else "gunicorn"
    with cloud.group(kind, "objects") as group:
        assert group.put("c")[0] in (201, 202)
        yield group


@pytest.fixture
def stalled(objects: Group) -> Iterator[list[socket.socket]]:
    """Uploads that came as far as into their second block."""
    with contextlib.ExitStack() as held:
        peers = []
        for number in range(STALLED):
            length = ("Content-Length: 104857600", "Transfer-Encoding: chunked")[number % 2]
            peer = held.enter_context(objects.opened(f"c/stalled-{number}", length))
            peer.sendall(b"%x\r\n" % (64 * MIB) if number % 2 else b"")
            peer.sendall(block(number % 4) + b"and no more")
            peers.append(peer)
        wait_for(lambda: threads(objects) > STALLED, "all of them hold a thread")
        yield peers


def threads(group: Group) -> int:
    return sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in members(group.process))


def sign_in_by_form(pages: Group) -> float:
    """Seconds from sending the form to the dashboard's address."""
    with httpx.Client(base_url=f"http://127.0.0.1:{pages.port}") as browser:
        page = browser.get("/ui/login/").text
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found
        form = {"login": "a@example.org", "password": PASSWORD, "csrfmiddlewaretoken": found[1]}
        began = time.monotonic()
        answer = browser.post("/ui/login/", data=form)
        took_s = time.monotonic() - began
        assert (answer.status_code, answer.headers["Location"]) == (302, "/ui/")
    return took_s


def sign_in_by_api(pages: Group) -> float:
    user = {"name": "a@example.org", "domain": {"id": "default"}, "password": PASSWORD}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    began = time.monotonic()
    answer = httpx.post(f"http://127.0.0.1:{pages.port}/astakos/identity/v3/auth/tokens", json=body)
    assert answer.status_code == 201
    return time.monotonic() - began


def test_stalled_uploads_stop_no_sign_in(pages: Group, stalled: list[socket.socket]) -> None:
    sign_in_by_form(pages), sign_in_by_api(pages)
    took_s = [sign_in(pages) for sign_in in (sign_in_by_form, sign_in_by_api) for _ in range(3)]
    assert max(took_s) < SIGN_IN_S


def test_stalled_uploads_stop_no_other_objects(objects: Group, stalled: list[socket.socket]) -> None:
    began = time.monotonic()
    assert objects.put("c/other", b"content", timeout_s=5)[0] == 201
    assert objects.request("GET", "c/other", timeout_s=5)[2] == b"content"
    assert objects.put("c/longer", pieces(9 * MIB), timeout_s=10)[0] == 201
    assert time.monotonic() - began < 5


@pytest.mark.postgresql
def test_stalled_uploads_hold_no_connections_to_the_database(
    cloud: Cloud, objects: Group, stalled: list[socket.socket]
) -> None:
    for number in range(100):
        assert objects.request("HEAD", f"c/stalled-{number}")[0] == 404
    with psycopg.connect(cloud.environment["DATABASE_URL"]) as database:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        (count,) = database.execute(asked).fetchone() or (0,)
    assert count < STALLED


def test_what_stalled_goes_on(objects: Group, stalled: list[socket.socket]) -> None:
    whole = b"".join(pieces(8 * MIB, distinct=2))
    objects.request("DELETE", "c/resumed")
    with objects.opened("c/resumed", f"Content-Length: {len(whole)}") as peer:
        peer.sendall(whole[: 5 * MIB])
        assert objects.request("HEAD", "c/resumed")[0] == 404
        peer.sendall(whole[5 * MIB :])
        assert peer.recv(65536).startswith(b"HTTP/1.1 201")
    assert objects.request("GET", "c/resumed")[2] == whole


def test_clients_that_stay_silent_are_given_up(cloud: Cloud) -> None:
    one = {"SYNNEFO_WEB_STALLED_S": "1", "PITHOS_WEB_WORKERS": "1", "PITHOS_WEB_THREADS": "1"}
    with cloud.elsewhere(**one).group("granian", "objects") as objects:
        objects.put("c")
        objects.put("c/large", pieces(64 * MIB))
        with objects.opened("c/silent", "Content-Length: 100") as peer:
            peer.sendall(b"not all")
            assert peer.recv(65536).startswith(b"HTTP/1.1 400")
        connection = objects.connection()
        connection.request("GET", objects.url("c/large"), headers={"X-Auth-Token": cloud.token})
        response = connection.getresponse()
        assert objects.request("HEAD", "c/silent", timeout_s=20)[0] == 404  # in the thread that is free again
        with pytest.raises(http.client.IncompleteRead):
            response.read()
        connection.close()


@pytest.mark.postgresql
def test_who_reads_waits_for_a_locked_table_without_keeping_others_waiting(
    cloud: Cloud, objects: Group
) -> None:
    assert objects.put("c/small", b"content")[0] == 201
    plain = f"/pithos/object-store/swift/v1/AUTH_{cloud.account}/c/small"
    assert objects.request("GET", plain)[2] == b"content"
    with ThreadPoolExecutor() as readers, psycopg.connect(cloud.environment["DATABASE_URL"]) as database:
        database.execute("LOCK TABLE pithos_version IN ACCESS EXCLUSIVE MODE")
        waiting = [readers.submit(objects.request, "GET", plain, timeout_s=60) for _ in range(4)]
        began = time.monotonic()
        while time.monotonic() - began < 5:  # longer than a loop waits for the database
            assert objects.request("GET", "/healthz", timeout_s=20)[0] == 200
        assert not any(one.done() for one in waiting)
        database.rollback()
        assert [one.result()[2] for one in waiting] == [b"content"] * 4
    assert objects.request("GET", plain)[2] == b"content"
