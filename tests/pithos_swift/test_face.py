"""Swift's codes, headers and shapes."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import uuid
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.http import parse_http_date

from synnefo.pithos.namespace.models import Container, Version
from tests.conftest import People
from tests.pithos_kit import body_of
from tests.pithos_swift.conftest import TOP, Api, Team


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


# --- beside the accounts ---------------------------------------------------------------------------------


def test_the_store_tells_its_limits_to_anybody(db: None, settings: Any) -> None:
    settings.PITHOS_API_LIST_LIMIT = 77
    shown = Client().get("/pithos/object-store/swift/info").json()
    assert {"swift", "slo", "dlo", "tempurl", "bulk_upload", "symlink"} <= shown.keys()
    assert Client().get("/info").json() == shown
    assert shown["swift"]["container_listing_limit"] == 77
    assert shown["swift"]["max_file_size"] == settings.PITHOS_MAX_UPLOAD_BYTES
    assert shown["swift"]["max_meta_count"] == settings.PITHOS_RESOURCE_MAX_METADATA
    assert Client().head("/pithos/object-store/swift/info").status_code == 200


def test_v1_auth_takes_a_user_and_his_token(people: People, team: Team) -> None:
    url, alice = "/pithos/object-store/swift/auth/v1.0", people.alice.user.uuid

    def sign_in(user: str, key: str) -> tuple[int, str]:
        response = Client().get(url, headers={"X-Auth-User": user, "X-Auth-Key": key})
        assert (response.status_code == 200) == (response.get("X-Auth-Token") == key)
        return response.status_code, response.get("X-Storage-Url", "")

    own, common = f"http://testserver{TOP}AUTH_{alice}", f"http://testserver{TOP}AUTH_{team.project}"
    assert sign_in(alice, team.unscoped.token) == (200, own)
    assert sign_in("Alice@example.org", team.unscoped.token) == (200, own)
    assert sign_in(f"{team.project}:{alice}", team.unscoped.token) == (200, common)
    assert sign_in(alice, team.member.token) == (200, common)
    for user, key in (
        (people.bob.user.uuid, team.unscoped.token), (alice, "nonsense"), (alice, ""), ("", ""),
    ):  # fmt: skip
        assert sign_in(user, key)[0] == 401
    # Where he may do nothing he may sign in: each request is asked.
    assert sign_in(f"nobody:{alice}", team.unscoped.token) == (200, f"http://testserver{TOP}AUTH_nobody")
    storage = {"X-Storage-User": alice, "X-Storage-Pass": team.unscoped.token}
    assert Client().get(url, headers=storage).status_code == 200
    token = {"X-Storage-Token": team.unscoped.token}
    assert Client().get(f"{TOP}AUTH_{alice}", headers=token).status_code == 204


def test_every_answer_can_be_found_in_the_log(api: Api) -> None:
    given = f"req-{uuid.uuid4()}"
    request_id = given.removeprefix("req-").replace("-", "")
    asked = {"X_Openstack_Request_Id": given}
    for response in (
        api("HEAD", **asked), api("GET", "c/absent", **asked), api("GET", f"{TOP}nothing", **asked),
    ):  # fmt: skip
        assert response["X-Openstack-Request-Id"] == response["X-Trans-Id"]
        assert re.fullmatch(r"tx[0-9a-f]{21}-[0-9a-f]{10}", response["X-Trans-Id"])
        assert response["X-Trans-Id"][2:23] == request_id[:21]
        assert "X-Auth-Token" in response["Vary"]


# --- accounts --------------------------------------------------------------------------------------------


def test_an_account_tells_what_it_has(api: Api) -> None:
    api.put("c/o", "hello")
    response = api("HEAD")
    assert (response.status_code, response.content) == (204, b"")
    assert response["X-Account-Container-Count"] == response["X-Account-Object-Count"] == "1"
    assert response["X-Account-Bytes-Used"] == "5"
    assert float(response["X-Timestamp"]) > 0
    assert response["Content-Type"] == "text/plain; charset=utf-8"


def test_metadata_of_accounts_and_containers_is_changed_key_by_key(api: Api) -> None:
    for kind, path in (("Account", ""), ("Container", "c")):
        key = f"X-{kind}-Meta-"
        assert api("POST", path, **{f"{key}Some-Colour": "red", f"{key}Size": "big"}).status_code == 204
        assert api("POST", path, **{f"{key}Size": ""}).status_code == 204
        response = api("HEAD", path)
        assert response[f"{key}Some-Colour"] == "red"
        assert f"{key}Size" not in response
        change = {f"X-Remove-{kind}-Meta-Some-Colour": "x", f"{key}Late": "1"}
        assert api("POST", path, **change).status_code == 204
        response = api("HEAD", path)
        assert f"{key}Some-Colour" not in response
        assert response[f"{key}Late"] == "1"


def test_containers_are_listed_in_parts_and_in_three_formats(api: Api) -> None:
    for name in ("a-1", "a-2", "b"):
        assert api("PUT", name).status_code == 201
    assert api.lines("") == ["a-1", "a-2", "b", "c"]
    assert api.lines("?limit=2") == ["a-1", "a-2"]
    assert api.lines("?marker=a-2&end_marker=c") == ["b"]
    assert api.lines("?prefix=a") == ["a-1", "a-2"]
    assert api.lines("?delimiter=-") == ["a-", "b", "c"]
    assert api.lines("?delimiter=-&marker=a-") == ["b", "c"]
    assert api.lines("?reverse=true&limit=2") == ["c", "b"]
    assert api.lines("?reverse=1&marker=b&end_marker=a-1") == ["a-2"]
    assert api.lines("?limit=0") == []
    first = api("GET", "?format=json").json()[0]
    assert first.keys() == {"name", "count", "bytes", "last_modified", "storage_policy"}
    response = api("GET", Accept="text/xml;q=0.5, application/json")
    assert response["Content-Type"] == "application/json; charset=utf-8"
    root = ElementTree.fromstring(api("GET", "?format=xml").content)  # noqa: S314
    assert (root.tag, root.get("name")) == ("account", f"AUTH_{api.account}")
    assert [row.findtext("name") for row in root] == ["a-1", "a-2", "b", "c"]


# --- containers ------------------------------------------------------------------------------------------


def test_a_container_lives(api: Api) -> None:
    assert api("HEAD", "d").status_code == 404
    assert api("PUT", "d", X_Container_Meta_A="1").status_code == 201
    assert api("PUT", "d", X_Container_Meta_B="2").status_code == 202
    response = api("HEAD", "d")
    assert (response.status_code, response["X-Container-Meta-A"], response["X-Container-Meta-B"]) == (
        204, "1", "2",
    )  # fmt: skip
    assert response["X-Container-Object-Count"] == response["X-Container-Bytes-Used"] == "0"
    response = api("GET", "d")
    assert (response.status_code, response.content) == (204, b"")
    assert api("GET", "d?format=json").json() == []
    api.put("d/o", "x")
    assert api("DELETE", "d").status_code == 409
    assert api("DELETE", "d/o").status_code == 204
    assert api("DELETE", "d").status_code == 204
    assert api("DELETE", "d").status_code == 404


NAMES = ["a", "dir/", "dir/a", "dir/b/c", "dir/b/d", "dirt", "grün", "z"]


@pytest.fixture
def full(api: Api) -> Api:
    for name in NAMES:
        api.put(f"c/{name}", name)
    return api


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", NAMES),
        ("prefix=dir/", ["dir/", "dir/a", "dir/b/c", "dir/b/d"]),
        ("delimiter=/", ["a", "dir/", "dirt", "grün", "z"]),
        ("delimiter=/&prefix=dir/", ["dir/", "dir/a", "dir/b/"]),
        ("delimiter=/&limit=2", ["a", "dir/"]),
        ("delimiter=/&limit=2&marker=dir/", ["dirt", "grün"]),
        ("delimiter=/&reverse=yes", ["z", "grün", "dirt", "dir/", "a"]),
        ("delimiter=/&reverse=yes&marker=dir/", ["a"]),
        ("reverse=on&limit=2", ["z", "grün"]),
        ("reverse=on&marker=dir/b/d&end_marker=dir/", ["dir/b/c", "dir/a"]),
        ("marker=dir/b/c&end_marker=grün", ["dir/b/d", "dirt"]),
        ("marker=a%00&end_marker=dir/a%00", ["dir/", "dir/a"]),
        ("path=", ["a", "dir/", "dirt", "grün", "z"]),
        ("path=dir", ["dir/a"]),
        ("path=dir/b", ["dir/b/c", "dir/b/d"]),
        ("path=dir/b&reverse=1", ["dir/b/d", "dir/b/c"]),
        ("delimiter=ir/", ["a", "dir/", "dirt", "grün", "z"]),
        ("limit=0", []),
        ("limit=x", NAMES),
    ],
)
def test_objects_are_listed_in_parts(full: Api, query: str, expected: list[str]) -> None:
    assert full.lines(f"c?{query}") == expected


@pytest.mark.parametrize("limit", [1, 2, 3, 10_000])
@pytest.mark.parametrize("query", ["", "delimiter=/", "delimiter=/&reverse=1", "reverse=1"])
def test_pages_put_together_are_the_whole_list(full: Api, query: str, limit: int) -> None:
    whole, found, marker = full.lines(f"c?{query}"), [], ""
    while page := full.lines(f"c?{query}&limit={limit}&marker={marker}"):
        assert len(page) == limit or len(found) + len(page) == len(whole)
        found += page
        marker = page[-1]
    assert found == whole


def test_lists_tell_what_objects_are(full: Api) -> None:
    listed = full("GET", "c?format=json&delimiter=/").json()
    assert listed[1] == {"subdir": "dir/"}
    row = listed[0]
    assert (row["name"], row["bytes"], row["content_type"], row["hash"]) == ("a", 1, "text/plain", md5("a"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", row["last_modified"])
    root = ElementTree.fromstring(full("GET", "c?format=xml&delimiter=/").content)  # noqa: S314
    assert root.findtext("object/hash") == md5("a")
    assert root.find("subdir").attrib == {"name": "dir/"}  # type: ignore[union-attr]


# --- objects ---------------------------------------------------------------------------------------------


def test_an_object_comes_back_as_it_was_put(api: Api) -> None:
    response = api.put("c/o", "hello world", X_Object_Meta_Mood="good", Content_Encoding="identity")
    assert (response["ETag"], response.content) == (md5("hello world"), b"")
    response = api("GET", "c/o")
    assert (response.status_code, body_of(response)) == (200, b"hello world")
    assert response["ETag"] == md5("hello world")
    assert response["Content-Type"] == "text/plain"
    assert response["Content-Length"] == "11"
    assert response["X-Object-Meta-Mood"] == "good"
    assert response["Content-Encoding"] == "identity"
    assert response["Accept-Ranges"] == "bytes"
    stamp = float(response["X-Timestamp"])
    assert 0 <= parse_http_date(response["Last-Modified"]) - stamp < 1
    head = api("HEAD", "c/o")
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", "11")
    assert head["ETag"] == response["ETag"]


def test_pages_that_people_store_run_nothing_here(api: Api) -> None:
    assert api("PUT", "c/page.html", "<script>").status_code == 201
    response = api("GET", "c/page.html")
    assert response["Content-Type"] == "text/html"
    assert response["Content-Security-Policy"].startswith("sandbox")


@pytest.mark.parametrize(
    ("name", "headers", "expected"),
    [
        ("a.png", {}, "image/png"),
        ("nothing", {}, "application/octet-stream"),
        ("a.png", {"Content-Type": "text/css"}, "text/css"),
        ("a.png", {"Content-Type": "text/css", "X-Detect-Content-Type": "true"}, "image/png"),
    ],
)
def test_the_type_is_guessed_where_it_is_not_said(
    api: Api, name: str, headers: dict[str, str], expected: str
) -> None:
    kind = headers.pop("Content-Type", "")
    assert api("PUT", f"c/{name}", "x", kind, **headers).status_code == 201
    assert api("HEAD", f"c/{name}")["Content-Type"] == expected


def test_uploads_are_compared_with_their_etag(api: Api) -> None:
    api.put("c/o", "x", ETag=f'"{md5("x").upper()}"')
    assert api("PUT", "c/o", "y", ETag=md5("x")).status_code == 422
    assert api.read("c/o") == b"x"


def test_a_body_of_unknown_length_is_taken_up_to_the_limit(api: Api, settings: Any) -> None:
    settings.PITHOS_MAX_UPLOAD_BYTES = 10
    chunked = {"Transfer_Encoding": "chunked", "Content-Length": ""}
    assert api("PUT", "c/o", b"0123456789", **chunked).status_code == 201
    assert api("PUT", "c/o", b"0123456789a", **chunked).status_code == 413
    assert api("PUT", "c/o", b"0123456789a").status_code == 413
    assert api.read("c/o") == b"0123456789"


def test_new_metadata_replaces_all_of_the_old(api: Api) -> None:
    api.put("c/o", "x", X_Object_Meta_A="1", X_Object_Meta_B="2", Content_Disposition="inline")
    assert api("POST", "c/o", X_Object_Meta_C="3").status_code == 202
    response = api("HEAD", "c/o")
    assert (response["X-Object-Meta-C"], response["Content-Type"]) == ("3", "text/plain")
    assert not {"X-Object-Meta-A", "X-Object-Meta-B", "Content-Disposition"} & response.headers.keys()
    assert api("POST", "c/o", b"", "text/css").status_code == 202
    response = api("HEAD", "c/o")
    assert (response["Content-Type"], response["ETag"]) == ("text/css", md5("x"))
    assert "X-Object-Meta-C" not in response


def test_metadata_beyond_ascii_is_sent_as_it_came(api: Api) -> None:
    api.put("c/o", "x", **{"X-Object-Meta-Name": "grün".encode().decode("latin-1")})
    assert api("HEAD", "c/o")["X-Object-Meta-Name"].encode("latin-1").decode() == "grün"
    assert Version.objects.get().own_attributes == {"X-Object-Meta-Name": "grün"}


def test_copies_take_metadata_along_unless_they_shall_not(api: Api) -> None:
    api.put("c/o", "x", X_Object_Meta_A="1", X_Object_Meta_B="2")
    assert api("PUT", "d").status_code == 201
    response = api("COPY", "c/o", Destination="/d/one", X_Object_Meta_B="changed")
    assert response.status_code == 201
    assert response["ETag"] == md5("x")
    assert response["X-Copied-From"] == "c/o"
    assert response["X-Copied-From-Account"] == f"AUTH_{api.account}"
    head = api("HEAD", "d/one")
    assert (head["X-Object-Meta-A"], head["X-Object-Meta-B"]) == ("1", "changed")
    fresh = {"X_Fresh_Metadata": "true", "X_Object_Meta_C": "3"}
    response = api("PUT", "d/gr%C3%BCn", b"", "text/css", X_Copy_From="c%2Fo", **fresh)
    assert response.status_code == 201
    head = api("HEAD", "d/gr%C3%BCn")
    assert (head["X-Object-Meta-C"], head["Content-Type"]) == ("3", "text/css")
    assert "X-Object-Meta-A" not in head
    assert api("PUT", "d/gr%C3%BCn", X_Copy_From="/d/gr%C3%BCn").status_code == 201
    assert api("HEAD", "d/gr%C3%BCn")["X-Object-Meta-C"] == "3"
    assert api.read("d/one") == api.read("d/gr%C3%BCn") == b"x"


def test_what_is_deleted_or_replaced_stays_in_history(api: Api, people: People) -> None:
    api.put("c/o", "old")
    api.put("c/o", "new")
    assert api("DELETE", "c/o").status_code == 204
    assert api("GET", "c/o").status_code == 404
    pithos = f"/pithos/object-store/v1/{api.account}/c/o"
    headers = {"X-Auth-Token": people.alice.token}
    versions = Client().get(f"{pithos}?version=list", headers=headers).json()["versions"]
    assert len(versions) == 2
    old = Client().get(f"{pithos}?version={versions[0][0]}", headers=headers)
    assert old.getvalue() == b"old"


CONDITIONS = [
    ("If-Match", "{etag}", 200, 201),
    ("If-Match", '"{etag}"', 200, 201),
    ("If-Match", "other, {etag}", 200, 201),
    ("If-Match", "other", 412, 412),
    ("If-None-Match", "{etag}", 304, 400),
    ("If-None-Match", "*", 304, 412),
    ("If-None-Match", "other", 200, 400),
    ("If-Modified-Since", "{modified}", 304, None),
    ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:01 GMT", 200, None),
    ("If-Unmodified-Since", "{modified}", 200, None),
    ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:01 GMT", 412, None),
    ("If-Modified-Since", "nonsense", 200, None),
]


@pytest.mark.parametrize(("header", "value", "reading", "writing"), CONDITIONS)
def test_conditions_hold_or_refuse(
    api: Api, header: str, value: str, reading: int, writing: int | None
) -> None:
    api.put("c/o", "x")
    modified = api("HEAD", "c/o")["Last-Modified"]
    given = {header: value.format(etag=md5("x"), modified=modified)}
    for method in ("GET", "HEAD"):
        response = api(method, "c/o", **given)
        assert (response.status_code, response["ETag"]) == (reading, md5("x"))
    if writing is not None:
        assert api("PUT", "c/o", "y", **given).status_code == writing
        assert api.read("c/o") == (b"y" if writing == 201 else b"x")


@pytest.mark.parametrize(
    ("header", "status", "content", "place"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("BYTES = 0 - 3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=3-5,99-100", 206, b"345", "bytes 3-5/10"),
        ("bytes=99-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=5-3", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=x", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
    ],
)
def test_ranges(api: Api, header: str, status: int, content: bytes | None, place: str | None) -> None:
    api.put("c/o", "0123456789")
    response = api("GET", "c/o", Range=header)
    assert (response.status_code, response.get("Content-Range")) == (status, place)
    assert response["ETag"] == md5("0123456789")
    if content is not None:
        assert body_of(response) == content
        assert response["Content-Length"] == str(len(content))


def test_several_ranges_come_in_one_answer(api: Api) -> None:
    api.put("c/o", "0123456789")
    response = api("GET", "c/o", Range="bytes=0-1,-2")
    body = body_of(response)
    assert response.status_code == 206
    boundary = response["Content-Type"].removeprefix("multipart/byteranges; boundary=")
    parts = body.decode().split(f"--{boundary}")
    assert parts[0] == ""
    assert parts[3] == "--\r\n"
    assert "Content-Range: bytes 0-1/10\r\nContent-Type: text/plain\r\n\r\n01\r\n" in parts[1]
    assert parts[2].endswith("\r\n\r\n89\r\n")
    assert response["Content-Length"] == str(len(body))


def test_if_range_gives_all_of_another_version(api: Api) -> None:
    api.put("c/o", "0123456789")
    modified = api("HEAD", "c/o")["Last-Modified"]
    for tag in (md5("0123456789"), f'"{md5("0123456789")}"', modified):
        assert api.read("c/o", Range="bytes=0-0", If_Range=tag) == b"0"
    assert api.read("c/o", Range="bytes=0-0", If_Range="other") == b"0123456789"


@pytest.mark.parametrize("update", [True, False])
def test_etags_are_the_md5_of_content_however_it_came(api: Api, settings: Any, update: bool) -> None:
    """By a map of hashes and by a part written over it, in Pithos' own face."""
    settings.PITHOS_UPDATE_MD5 = update
    api.put("c/seed", "0123456789")
    pithos = Client()
    url, headers = f"/pithos/object-store/v1/{api.account}/c/o", {"X-Auth-Token": api.token}
    hashes = json.loads(pithos.get(f"{url[:-1]}seed?hashmap&format=json", headers=headers).content)
    body = json.dumps({"bytes": 10, "hashes": hashes["hashes"]})
    made = pithos.put(f"{url}?hashmap&format=json", body, content_type="text/plain", headers=headers)
    assert made.status_code == 201
    assert api("HEAD", "c/o")["ETag"] == md5("0123456789")
    changed = pithos.post(
        url,
        b"ab",
        content_type="application/octet-stream",
        headers={**headers, "Content-Range": "bytes 2-3/*"},
    )
    assert changed.status_code == 204
    rows = {row["name"]: row["hash"] for row in api("GET", "c?format=json").json()}
    assert rows["o"] == (md5("01ab456789") if update else "")
    response = api("GET", "c/o", If_None_Match=md5("0123456789"))
    assert (response["ETag"], body_of(response)) == (md5("01ab456789"), b"01ab456789")
    rows = {row["name"]: row["hash"] for row in api("GET", "c?format=json").json()}
    assert rows["o"] == md5("01ab456789")


def test_what_the_other_face_keeps_does_not_break_answers_here(api: Api) -> None:
    """Values with line breaks come percent-encoded; manifests name what is read instead."""
    url, headers = f"/pithos/object-store/v1/{api.account}/c/o", {"X-Auth-Token": api.token}
    api.put("c/p1", "one")
    api.put("c/p2", "two")
    odd = {"X-Object-Meta-Odd": "a%0d%0ab%c3%bc", "X-Object-Manifest": "c/p"}
    made = Client().put(url, "x", content_type="text/plain", headers={**headers, **odd})
    assert made.status_code == 201
    response = api("GET", "c/o")
    assert response["X-Object-Meta-Odd"].encode("latin-1").decode() == "a%0D%0Abü"
    assert (response["X-Object-Manifest"], body_of(response)) == ("c/p", b"onetwo")


def test_putting_a_container_that_is_there_is_a_change_of_it(api: Api) -> None:
    earlier = timezone.now() - datetime.timedelta(hours=1)
    Container.objects.update(modified=earlier)
    assert api("PUT", "c").status_code == 202
    assert parse_http_date(api("HEAD", "c")["Last-Modified"]) > earlier.timestamp() + 60
