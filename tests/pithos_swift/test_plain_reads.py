"""Plain reads are answered on a way of their own: in everything but their speed as the view answers them."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from synnefo.astakos.accounts import tokens
from synnefo.astakos.seam import InProcessAccounts
from synnefo.common.accounts import Identity
from synnefo.common.caller import system_caller
from synnefo.common.faults import Unauthorized
from synnefo.pithos.faces.swift.plain_reads import PlainReads
from synnefo.settings import OF_OBJECTS
from tests.conftest import People
from tests.pithos_swift.conftest import TOP, Api, Team
from tests.pithos_swift.ways import Ways


@pytest.fixture
def ways(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Ways:
    """In a process that knows everybody."""

    def remembered(self: InProcessAccounts, token: str) -> Identity | None:
        with contextlib.suppress(Unauthorized):
            return self.identify(token)
        return None

    monkeypatch.setattr(InProcessAccounts, "remembered", remembered)
    settings.MIDDLEWARE = OF_OBJECTS
    return Ways(PlainReads())


@pytest.fixture
def shelf(api: Api) -> Api:
    """Alice's container ``c`` with an object of every sort."""
    api.put("c/small", b"hello")
    api.put("c/empty")
    api.put("c/large", b"in many blocks " * 10)
    api.put("c/a/b c'\"%<&>.txt", b"named")
    api.put(
        "c/kept", b"k", X_Object_Meta_Colour="gr\xc3\xbcn", Cache_Control="max-age=60", Content_Language="el"
    )
    api.put("c/gone-later", b"l", X_Delete_After="1000")
    api.put("c/many", X_Object_Manifest="c/sma")
    api.put("c/link", X_Symlink_Target="c/small")
    assert api("PUT", "c/page", b"t", "text/html; charset=utf-8").status_code == 201
    parts = '[{"path": "/c/small", "size_bytes": 5}]'
    assert api("PUT", "c/slo?multipart-manifest=put", parts).status_code == 201
    assert api("PUT", "old", X_Versions_Enabled="true").status_code == 201
    api.put("old/o", b"first")
    api.put("old/o", b"second")
    return api


PLAIN = ("c/small", "c/empty", "c/large", "c/a/b c'\"%<&>.txt", "c/kept", "c/gone-later", "old/o")
OTHERS = (
    "c/page",
    "c/many",
    "c/link",
    "c/slo",
    "c/not-there",
    "none/o",
    "c/",
    "c",
    "",
    "c//",
    "c/.",
    "c/\xc3\xbc",
    "c/\xff",
)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_plain_reads_are_answered_as_the_view_does_without_it(shelf: Api, ways: Ways, method: str) -> None:
    for path in PLAIN:
        found, expected = ways.both(method, f"{TOP}AUTH_{shelf.account}/{path}", shelf.token)
        assert found == expected, path
        assert found[0] == 200
    assert ways.asked == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_more_than_plain_is_left_to_the_view(shelf: Api, ways: Ways, method: str) -> None:
    for path in OTHERS:
        found, expected = ways.both(method, f"{TOP}AUTH_{shelf.account}/{path}", shelf.token)
        assert found == expected, path
    assert ways.asked == len(OTHERS)


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (206, {"HTTP_RANGE": "bytes=1-2"}),
        (304, {"HTTP_IF_NONE_MATCH": "5d41402abc4b2a76b9719d911017c592"}),
        (412, {"HTTP_IF_MATCH": "another"}),
        (304, {"HTTP_IF_MODIFIED_SINCE": "Fri, 01 Jan 2100 00:00:00 GMT"}),
        (200, {"HTTP_ORIGIN": "https://example.org"}),
        (200, {"HTTP_X_NEWEST": "true"}),
        (200, {"query": "multipart-manifest=get"}),
        (401, {"query": "temp_url_sig=0&temp_url_expires=0"}),
    ],
)
def test_conditions_ranges_and_queries_hold(
    shelf: Api, ways: Ways, status: int, more: dict[str, str]
) -> None:
    found, expected = ways.both("GET", f"{TOP}AUTH_{shelf.account}/c/small", shelf.token, **more)
    assert found == expected
    assert found[0] == status
    assert ways.asked == 1


def test_what_proxies_and_browsers_add_makes_no_difference(shelf: Api, ways: Ways) -> None:
    more = {
        "HTTP_X_FORWARDED_FOR": "192.0.2.1",
        "HTTP_ACCEPT": "*/*",
        "HTTP_USER_AGENT": "a",
        "HTTP_CONNECTION": "close",
    }
    found, expected = ways.both("GET", f"{TOP}AUTH_{shelf.account}/c/small", shelf.token, **more)
    assert found == expected
    assert (found[2], ways.asked) == (b"hello", 0)


def test_who_may_read_is_decided_alike(shelf: Api, people: People, ways: Ways, team: Team) -> None:
    root = system_caller()
    readonly, _ = tokens.create_api_token(root, people.alice.user, "reads", read_only=True)
    compute, _ = tokens.create_api_token(root, people.alice.user, "compute", services=["compute"])
    store, _ = tokens.create_api_token(root, people.alice.user, "store", services=["object-store"])
    place = f"{TOP}AUTH_{shelf.account}/c/small"
    statuses = {}
    for who, token in {
        "stranger": "", "nonsense": "nonsense", "another": people.bob.token, "admin": people.admin.token,
        "a mate's": team.mate.token, "reads": readonly, "compute": compute, "store": store,
    }.items():  # fmt: skip
        found, expected = ways.both("GET", place, token)
        assert found == expected, who
        statuses[who] = found[0]
    assert statuses == {
        "stranger": 401, "nonsense": 401, "another": 403, "admin": 403, "a mate's": 403,
        "reads": 200, "compute": 403, "store": 200,
    }  # fmt: skip


def test_members_of_a_project_and_its_readers_read_alike(ways: Ways, team: Team) -> None:
    assert team.member("PUT", "shared").status_code == 201
    team.member.put("shared/o", b"ours")
    for api in (team.member, team.mate, team.reader):
        found, expected = ways.both("GET", f"{TOP}AUTH_{team.project}/shared/o", api.token)
        assert found == expected
        assert found[2] == b"ours"


def test_a_token_that_has_ended_reads_nothing_more(shelf: Api, people: People, ways: Ways) -> None:
    place = f"{TOP}AUTH_{shelf.account}/c/small"
    assert ways.both("GET", place, shelf.token)[0][0] == 200
    tokens.end_all(people.alice.user, of_programs=True)
    found, expected = ways.both("GET", place, shelf.token)
    assert found == expected
    assert found[0] == 401


def test_who_is_not_known_yet_is_asked_by_the_view(
    shelf: Api, ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InProcessAccounts, "remembered", lambda self, token: None)
    found, expected = ways.both("GET", f"{TOP}AUTH_{shelf.account}/c/small", shelf.token)
    assert found == expected
    assert ways.asked == 1


def test_reads_that_come_together_are_answered_as_each_would_be_alone(
    shelf: Api, people: People, ways: Ways
) -> None:
    """By one look-up where that can be."""
    place = f"{TOP}AUTH_{shelf.account}/"
    paths = (PLAIN[0], "c/none", "c/link", "none/o", *PLAIN)
    requests = [("GET", place + path, shelf.token) for path in paths]
    requests += [("HEAD", place + PLAIN[0], shelf.token), ("GET", place + PLAIN[0], people.bob.token)]
    ways.together(*requests)
    with CaptureQueriesContext(connection) as queries:
        found = ways.together(*requests)
    alone = [answer for request in requests for answer in ways.together(request)]
    looked = [query for query in queries.captured_queries if "pithos_version" in query["sql"]]
    assert found == alone
    assert [answer is None for answer in found] == [False, *[True] * 3, *[False] * len(PLAIN), False, True]
    assert found[0] == found[4] == ways.of_view(*requests[0])
    assert len(looked) == (1 if connection.vendor == "postgresql" else len(requests) - 1)
