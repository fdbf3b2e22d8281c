"""Plain writes are gathered: what is there then is what the view would have put there."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from synnefo.astakos.accounts import tokens
from synnefo.common.caller import system_caller
from synnefo.common.http.lanes import Answer
from synnefo.pithos.faces.swift.plain_writes import PlainWrites
from synnefo.pithos.namespace.models import Container
from synnefo.settings import OF_OBJECTS
from tests.conftest import People
from tests.pithos_swift.conftest import TOP, Api, Team
from tests.pithos_swift.ways import Ways

#: What differs from second to second, and from object to object.
_MOMENTS = ("last-modified", "x-timestamp")
#: What browsers are told about pages; an answer without content is none.
_OF_PAGES = ("content-security-policy", "permissions-policy")


LIMITS: dict[str, dict[str, Any]] = {
    "reads": {"read_only": True},
    "compute": {"services": ["compute"]},
    "store": {"services": ["object-store"]},
}


@pytest.fixture
def ways(settings: Any) -> Ways:
    settings.MIDDLEWARE = OF_OBJECTS
    return Ways(PlainWrites())


def place(api: Api, path: str) -> str:
    return f"{TOP}AUTH_{api.account}/{path}"


def told(api: Api, path: str) -> tuple[dict[str, str], bytes]:
    response = api("GET", path)
    headers = {name.lower(): value for name, value in response.items()}
    for name in (*_MOMENTS, "x-trans-id", "x-openstack-request-id"):
        headers.pop(name)
    return headers, api.read(path)


def unhurried(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, dict[str, str], bytes]:
    left_out = (*_MOMENTS, *_OF_PAGES) if answer[0] == 201 else _MOMENTS
    return answer[0], {name: value for name, value in answer[1].items() if name not in left_out}, answer[2]


@pytest.mark.parametrize(
    ("name", "content", "more"),
    [
        ("small", b"hello", {"CONTENT_TYPE": "text/plain"}),
        ("empty", b"", {}),
        ("guessed.png", b"no picture", {}),
        ("a/b c'\"%<&>.txt", b"named", {"CONTENT_TYPE": "text/html; charset=utf-8"}),
        ("long", b"in blocks " * 6000, {"CONTENT_TYPE": "application/octet-stream"}),
        ("kept", b"k", {"HTTP_X_OBJECT_META_COLOUR": "gr\xc3\xbcn", "HTTP_X_OBJECT_META_EMPTY": ""}),
    ],
)
def test_plain_writes_are_answered_and_kept_as_the_view_does_without_it(
    api: Api, ways: Ways, name: str, content: bytes, more: dict[str, str]
) -> None:
    for twice in range(2):
        here = ways.answered("PUT", place(api, f"c/{name}"), api.token, "", content, **more)
        there = ways.of_view("PUT", place(api, f"c/seen/{name}"), api.token, "", content, **more)
        assert unhurried(here) == unhurried(there), twice
        assert here[0] == 201
        assert told(api, f"c/{name}") == told(api, f"c/seen/{name}")
    assert ways.asked == 0
    container = Container.objects.get(name="c")
    assert (container.object_count, container.size_bytes) == (2, 2 * len(content))


@pytest.mark.parametrize(
    ("status", "path", "more"),
    [
        (404, "none/o", {}),
        (201, "c/\xc3\xbc", {}),
        (412, "c/\xff", {}),
        (400, f"c/{'x' * 1025}", {}),
        (422, "c/o", {"HTTP_ETAG": "another"}),
        (412, "c/there", {"HTTP_IF_NONE_MATCH": "*"}),
        (201, "c/o", {"HTTP_X_DELETE_AFTER": "100"}),
        (400, "c/o", {"HTTP_X_DELETE_AT": "soon"}),
        (400, "c/o", {"HTTP_X_OBJECT_MANIFEST": "nowhere"}),
        (400, "c/o", {"HTTP_X_OBJECT_META_LONG": "x" * 300}),
        (201, "c/o", {"HTTP_X_COPY_FROM": "c/there"}),
        (201, "c/o", {"HTTP_X_SYMLINK_TARGET": "c/there"}),
        (201, "c/o", {"HTTP_CONTENT_ENCODING": "gzip"}),
        (201, "c/o", {"HTTP_ORIGIN": "https://example.org"}),
        (401, "c/o", {"query": "temp_url_sig=0&temp_url_expires=0"}),
        (201, "numbered/o", {}),
        (201, "stacked/o", {}),
        (413, "limited/o", {}),
    ],
)
def test_what_is_more_than_plain_is_left_to_the_view(
    api: Api, ways: Ways, status: int, path: str, more: dict[str, str]
) -> None:
    api.put("c/there")
    assert api("PUT", "numbered", X_Versions_Enabled="true").status_code == 201
    assert api("PUT", "stacked", X_Versions_Location="c").status_code == 201
    assert api("PUT", "limited", X_Container_Meta_Quota_Count="0").status_code == 201
    asked = "PUT", place(api, path), api.token, more.pop("query", ""), b"" if status == 201 else b"content"
    found, expected = ways.both(*asked, **more)
    assert (found[0], expected[0]) == (status, status)
    assert found[1].keys() == expected[1].keys()
    assert ways.asked == 1


def test_who_may_write_is_decided_alike(api: Api, people: People, ways: Ways, team: Team) -> None:
    limited = {
        what: tokens.create_api_token(system_caller(), people.alice.user, what, **more)[0]
        for what, more in LIMITS.items()
    }
    statuses = {}
    for who, token in {
        "stranger": "", "nonsense": "nonsense", "another": people.bob.token, "admin": people.admin.token,
        "a mate's": team.mate.token, "owner": api.token, **limited,
    }.items():  # fmt: skip
        found, expected = ways.both("PUT", place(api, "c/o"), token, "", b"x")
        assert unhurried(found) == unhurried(expected), who
        statuses[who] = found[0]
    assert statuses == {
        "stranger": 401, "nonsense": 401, "another": 403, "admin": 403, "a mate's": 403, "owner": 201,
        "reads": 403, "compute": 403, "store": 201,
    }  # fmt: skip


def test_an_administrators_token_that_only_reads_writes_nothing(people: People, api: Api, ways: Ways) -> None:
    admin = Api(people.admin.token, people.admin.user.uuid)
    assert admin("PUT", "c").status_code == 201
    token, _ = tokens.create_api_token(system_caller(), people.admin.user, "reads", read_only=True)
    found, expected = ways.both("PUT", place(admin, "c/o"), token, "", b"x")
    assert (found, found[0]) == (expected, 403)
    assert admin.lines("c") == []


def test_what_is_longer_than_uploads_may_be_is_refused(api: Api, ways: Ways, settings: Any) -> None:
    settings.PITHOS_MAX_UPLOAD_BYTES = 5
    assert ways.answered("PUT", place(api, "c/o"), api.token, "", b"12345")[0] == 201
    found, expected = ways.both("PUT", place(api, "c/o"), api.token, "", b"123456")
    assert (found, found[0]) == (expected, 413)


def test_in_a_project_members_write_and_readers_do_not(ways: Ways, team: Team) -> None:
    assert team.member("PUT", "shared").status_code == 201
    for api, status in ((team.member, 201), (team.mate, 201), (team.reader, 403)):
        assert ways.answered("PUT", place(team.member, "shared/o"), api.token, "", b"x")[0] == status


class Batch:
    """Requests that are asked together."""

    def __init__(self) -> None:
        self._lane = PlainWrites()
        self._asked: list[Any] = []

    def put(self, api: Api, path: str, content: bytes, token: str = "") -> None:
        headers = [(b"x-auth-token", (token or api.token).encode()), (b"content-type", b"text/plain")]
        raw = place(api, path).encode()
        scope = {"method": "PUT", "raw_path": raw, "query_string": b"", "headers": headers}
        self._asked.append(self._lane.asked(scope, memoryview(content)))

    def statuses(self) -> list[int | None]:
        answers = self._lane.answers(self._asked)
        return [answer.status if isinstance(answer, Answer) else None for answer in answers]


@pytest.fixture
def batch(settings: Any) -> Batch:
    settings.MIDDLEWARE = OF_OBJECTS
    return Batch()


def test_what_is_asked_together_is_put_in_its_places(api: Api, people: People, batch: Batch) -> None:
    bob = Api(people.bob.token, people.bob.user.uuid)
    for made in (api("PUT", "d"), bob("PUT", "c")):
        assert made.status_code == 201
    api.put("c/old", b"what was there")
    for number, path in enumerate(("c/z", "c/old", "d/a", "c/a")):
        batch.put(api, path, b"alice %d" % number)
    batch.put(bob, "c/a", b"bob")
    assert batch.statuses() == [201] * 5
    assert {path: api.read(path) for path in ("c/z", "c/old", "d/a", "c/a")} == {
        "c/z": b"alice 0", "c/old": b"alice 1", "d/a": b"alice 2", "c/a": b"alice 3",
    }  # fmt: skip
    assert bob.read("c/a") == b"bob"
    assert api.lines("c") == ["a", "old", "z"]
    counted = {(c.account.name, c.name): (c.object_count, c.size_bytes) for c in Container.objects.all()}
    assert counted == {(api.account, "c"): (3, 21), (api.account, "d"): (1, 7), (bob.account, "c"): (1, 3)}


def test_of_those_that_are_asked_together_for_one_path_the_view_puts_the_second(
    api: Api, batch: Batch
) -> None:
    for content in (b"first", b"second"):
        batch.put(api, "c/o", content)
    assert batch.statuses() == [201, None]
    assert api.read("c/o") == b"first"


def test_what_cannot_be_keeps_none_but_those_of_its_place(api: Api, batch: Batch) -> None:
    """A limit is passed by one of them: the view says which."""
    assert api("PUT", "d").status_code == 201
    Container.objects.filter(name="d").update(quota_bytes=10)
    batch.put(api, "d/small", b"small")
    batch.put(api, "d/large", b"large" * 10)
    batch.put(api, "c/o", b"o")
    batch.put(api, "none/o", b"o")
    batch.put(api, "c/mine", b"o", token="nonsense")
    assert batch.statuses() == [None, None, 201, None, None]
    assert api.lines("d") == []
    assert api.lines("c") == ["o"]


@pytest.mark.postgresql
def test_more_that_is_asked_together_takes_no_more_statements(api: Api, batch: Batch) -> None:
    counts = []
    for count in (2, 12):
        lot = Batch()
        for number in range(count):
            lot.put(api, f"c/{count}-{number}", b"c")
        with CaptureQueriesContext(connection) as asked:
            assert lot.statuses() == [201] * count
        counts.append(len(asked))
    assert counts[0] == counts[1]
