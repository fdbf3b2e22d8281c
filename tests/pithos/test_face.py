"""Pithos' own face: the codes, headers and shapes that clients of 0.21 rely on."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from django.test import Client

from synnefo.pithos.namespace.models import Container, Object, Version
from tests.conftest import People
from tests.pithos.conftest import Api, names
from tests.pithos_kit import body_of

MD5 = {text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in ("", "hello", "x")}
EMPTY = hashlib.sha256(b"").hexdigest()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- who may do what -------------------------------------------------------------------------------------

ROUTES = [
    ("GET", "", {}),
    ("HEAD", "", {}),
    ("POST", "", {}),
    ("GET", "c", {}),
    ("HEAD", "c", {}),
    ("PUT", "c", {}),
    ("PUT", "new", {}),
    ("POST", "c", {}),
    ("DELETE", "c", {}),
    ("DELETE", "c?delimiter=/", {}),
    ("DELETE", "c?until=1", {}),
    ("GET", "c/o", {}),
    ("GET", "c/o?hashmap", {}),
    ("GET", "c/o?version=list", {}),
    ("GET", "c/o?version=1", {}),
    ("HEAD", "c/o", {}),
    ("PUT", "c/o", {}),
    ("PUT", "c/o?hashmap", {}),
    ("PUT", "c/o", {"X-Copy-From": "/c/o"}),
    ("PUT", "c/o", {"X-Move-From": "/c/o"}),
    ("POST", "c/o", {}),
    ("POST", "c/o", {"Content-Range": "bytes */*", "X-Source-Object": "/c/o"}),
    ("COPY", "c/o", {"Destination": "/c/p"}),
    ("MOVE", "c/o", {"Destination": "/c/p"}),
    ("DELETE", "c/o", {}),
    ("DELETE", "c/o?until=1", {}),
]


@pytest.mark.parametrize(("method", "path", "headers"), ROUTES)
def test_every_route_refuses_others_and_the_administrator(
    api: Api, people: People, bob: Api, method: str, path: str, headers: dict[str, str]
) -> None:
    api.put("c/o", "hello")
    for token in (people.bob.token, people.admin.token):
        response = Api(token, api.account)(method, path, b"x", "text/plain", **headers)
        assert response.status_code == 403, response.content
    assert Api(people.bob.token, "nobody")(method, path, b"x", "text/plain", **headers).status_code == 403
    assert api.read("c/o") == b"hello"


@pytest.mark.parametrize("token", ["", "nonsense"])
@pytest.mark.parametrize(("method", "path", "headers"), ROUTES)
def test_every_route_wants_a_token(
    api: Api, method: str, path: str, headers: dict[str, str], token: str
) -> None:
    response = Api(token, api.account)(method, path, b"x", "text/plain", **headers)
    assert response.status_code == 401
    fault = "fault" if token else "unauthorized"  # that of the accounts' service is passed on
    assert method == "HEAD" or fault in json.loads(response.content)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("", "GET,HEAD,POST"), ("c", "DELETE,GET,HEAD,POST,PUT"), ("c/o", "COPY,DELETE,GET,HEAD,MOVE,POST,PUT")],
)
def test_other_methods_are_refused(api: Api, path: str, allowed: str) -> None:
    response = api("PATCH", path)
    assert (response.status_code, response["Allow"]) == (405, allowed)
    assert response.json()["notAllowed"]["code"] == 405


def test_nothing_of_another_account_is_copied_in_or_out(api: Api, bob: Api) -> None:
    api.put("c/o", "hello")
    bob.put("c/o", "mine")
    for response in (
        bob("PUT", "c/new", b"", X_Copy_From="/c/o", X_Source_Account=api.account),
        bob("PUT", "c/new", b"", X_Move_From="/c/o", X_Source_Account=api.account),
        bob("COPY", "c/o", Destination="/c/new", Destination_Account=api.account),
        bob("MOVE", "c/o", Destination="/c/new", Destination_Account=api.account),
        bob("POST", "c/o", Content_Range="bytes 0-/*", X_Source_Object="/c/o", X_Source_Account=api.account),
    ):
        assert response.status_code == 403
    assert bob("HEAD", "c/new").status_code == 404


# --- top and account -------------------------------------------------------------------------------------


def test_swift_clients_sign_in_with_user_and_token(api: Api, people: People) -> None:
    top, client = "/pithos/object-store/v1/", Client()
    response = client.get(top, headers={"X-Auth-User": api.account, "X-Auth-Key": api.token})
    assert response.status_code == 204
    assert response["X-Storage-Url"] == f"http://testserver{top}{api.account}"
    assert response["X-Auth-Token"] == api.token
    assert client.get(top).status_code == 400
    wrong = {"X-Auth-User": api.account, "X-Auth-Key": people.bob.token}
    assert client.get(top, headers=wrong).status_code == 403
    assert client.get(top, headers={**wrong, "X-Auth-Key": "nonsense"}).status_code == 401


def test_nobody_shares_anything(api: Api) -> None:
    assert api("GET", "/pithos/object-store/v1/?format=json").json() == []
    assert api("GET", "/pithos/object-store/v1/").status_code == 204
    assert api("GET", "/pithos/object-store/v1").status_code == 400


def test_an_account_tells_what_it_has(api: Api) -> None:
    api.put("c/o", "hello")
    response = api("HEAD")
    assert (response.status_code, response.content) == (204, b"")
    assert response["X-Account-Container-Count"] == "1"
    assert response["X-Account-Bytes-Used"] == "5"
    assert response["X-Account-Policy-Quota"] == str(2**50)
    (item,) = api("GET", "?format=json").json()
    assert (item["name"], item["count"], item["bytes"]) == ("c", 1, 5)
    assert item["x_container_policy"] == {"quota": "0", "versioning": "auto", "project": api.account}
    assert api("GET").content == b"c\n"
    root = ElementTree.fromstring(api("GET", "?format=xml").content)  # noqa: S314
    assert root.findtext("container/name") == "c"


def test_containers_are_listed_page_by_page(api: Api) -> None:
    for name in ("a", "b", "d"):
        api("PUT", name)
    assert api("GET", "?limit=2").content == b"a\nb\n"
    assert api("GET", "?limit=2&marker=b").content == b"c\nd\n"
    assert api("GET", "?limit=-1").content == api("GET", "?limit=x").content == b"a\nb\nc\nd\n"
    assert api("GET", "?shared").status_code == 204


def test_an_accounts_metadata_is_kept(api: Api) -> None:
    assert api("POST", X_Account_Meta_Dept="physics", X_Account_Meta_Two="2").status_code == 202
    assert api("POST", "?update", X_Account_Meta_Two="", X_Account_Meta_Three="3").status_code == 202
    response = api("HEAD")
    assert (response["X-Account-Meta-Dept"], response["X-Account-Meta-Three"]) == ("physics", "3")
    assert "X-Account-Meta-Two" not in response
    api("POST")
    assert "X-Account-Meta-Dept" not in api("HEAD")


# --- containers ------------------------------------------------------------------------------------------


def test_containers_come_and_go(api: Api) -> None:
    assert [api("PUT", "new").status_code for _ in range(2)] == [201, 202]
    api.put("new/o", "hello")
    response = api("DELETE", "new")
    assert (response.status_code, "conflict" in response.json()) == (409, True)
    assert api("DELETE", "new?delimiter=/").status_code == 204
    assert [api("DELETE", "new").status_code for _ in range(2)] == [204, 404]
    assert not Object.objects.exists()


def test_a_container_tells_what_it_has(api: Api) -> None:
    api.put("c/o", "hello", X_Object_Meta_Colour="red")
    api("POST", "c", X_Container_Meta_A="b")
    response = api("HEAD", "c")
    assert response.status_code == 204
    assert {name: value for name, value in response.items() if name.startswith("X-Container")} == {
        "X-Container-Object-Count": "1",
        "X-Container-Bytes-Used": "5",
        "X-Container-Block-Size": "4",
        "X-Container-Block-Hash": "sha256",
        "X-Container-Object-Meta": "Colour",
        "X-Container-Meta-A": "b",
        "X-Container-Policy-Quota": "0",
        "X-Container-Policy-Versioning": "auto",
        "X-Container-Policy-Project": api.account,
    }
    assert api("HEAD", "nowhere").status_code == 404


@pytest.mark.parametrize(
    ("policy", "value"),
    [
        ("Quota", "-1"),
        ("Quota", "x"),
        ("Quota", "9" * 30),
        ("Versioning", "x"),
        ("Odd", "1"),
    ],
)
def test_impossible_policies_are_refused(api: Api, policy: str, value: str) -> None:
    for path in ("new", "c"):
        assert api("PUT", path, **{f"X-Container-Policy-{policy}": value}).status_code == 400
    assert list(Container.objects.values_list("name", flat=True)) == ["c"]


def test_projects_that_are_not_ones_own_do_not_pay(api: Api, people: People) -> None:
    for project, missing in (("x", "project:x"), (people.bob.user.uuid, f"user:{api.account}")):
        response = api("POST", "c", X_Container_Policy_Project=project)
        assert response.status_code == 404
        said = json.loads(response.json()["fault"]["details"])["itemNotFound"]
        assert said["data"]["provision"]["holder"] == missing


def test_policies_and_metadata_are_merged_or_replaced(api: Api) -> None:
    api("POST", "c", X_Container_Meta_A="b", X_Container_Policy_Versioning="none")
    api("POST", "c?update", X_Container_Meta_C="d", X_Container_Policy_Quota=" 7 ")
    response = api("HEAD", "c")
    assert (response["X-Container-Meta-A"], response["X-Container-Meta-C"]) == ("b", "d")
    assert response["X-Container-Policy-Versioning"] == "none"
    assert response["X-Container-Policy-Quota"] == "7"
    api("POST", "c", X_Container_Policy_Quota="8")
    response = api("HEAD", "c")
    assert "X-Container-Meta-A" not in response
    assert response["X-Container-Policy-Versioning"] == "auto"


def test_a_containers_quota_holds(api: Api) -> None:
    api("PUT", "c", X_Container_Policy_Quota="4")
    response = api("PUT", "c/o", b"12345", "text/plain")
    assert (response.status_code, "requestEntityTooLarge" in response.json()) == (413, True)


@pytest.mark.parametrize("name", ["x" * 257, "a%00b"])
def test_impossible_container_names_are_refused(api: Api, name: str) -> None:
    assert api("PUT", name).status_code == 400


def test_lists_of_objects(api: Api) -> None:
    for name in ("a", "d", "d/1", "d/e/2", "z"):
        api.put(f"c/{name}", "x")
    assert api("GET", "c").content == b"a\nd\nd/1\nd/e/2\nz\n"
    assert names(api("GET", "c?format=json&delimiter=/")) == ["a", "d", "d/", "z"]
    assert names(api("GET", "c?format=json&delimiter=/&prefix=d")) == ["d/1", "d/e/"]
    assert names(api("GET", "c?format=json&path=d")) == ["d/1"]
    assert names(api("GET", "c?format=json&limit=2&marker=a")) == ["d", "d/1"]
    assert api("GET", "c?prefix=nothing").status_code == 204
    assert api("GET", "c?prefix=nothing&format=json").json() == []
    assert api("GET", "c?marker=%00").status_code == 400
    root = ElementTree.fromstring(api("GET", "c?format=xml&delimiter=/").content)  # noqa: S314
    assert [item.findtext("name") for item in root.iter("object")] == ["a", "d", "z"]
    assert [item.get("name") for item in root.iter("subdir")] == ["d/"]


def test_an_entry_of_a_list_tells_all_of_an_object(api: Api) -> None:
    version = api.put("c/o", "hello")["X-Object-Version"]
    (item,) = api("GET", "c", Accept="application/json").json()
    row = Version.objects.get()
    assert item.pop("last_modified").endswith("+00:00")
    assert float(item.pop("x_object_version_timestamp")) == pytest.approx(row.modified.timestamp())
    assert item == {
        "name": "o", "bytes": 5, "content_type": "text/plain", "hash": MD5["hello"],
        "x_object_hash": row.hash, "x_object_uuid": row.uuid, "x_object_version": int(version),
        "x_object_modified_by": api.account, "available": 1, "map_check_timestamp": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("Quality", ["a", "b"]),
        ("quality", ["a", "b"]),
        ("!Quality", ["c"]),
        ("Quality,Stock", ["a", "b", "c"]),
        ("Quality=aaa", ["a"]),
        ("Quality!=aaa", ["b"]),
        ("Stock<=3,Stock>1", ["b"]),
        ("Nothing", []),
    ],
)
def test_lists_are_narrowed_by_metadata(api: Api, terms: str, expected: list[str]) -> None:
    api.put("c/a", X_Object_Meta_Quality="aaa", X_Object_Meta_Stock="1")
    api.put("c/b", X_Object_Meta_Quality="bbb", X_Object_Meta_Stock="3")
    api.put("c/c", X_Object_Meta_Stock="5")
    assert names(api("GET", f"c?format=json&meta={quote(terms)}")) == expected


# --- writing ---------------------------------------------------------------------------------------------


def test_what_is_put_is_got(api: Api) -> None:
    response = api.put("c/dir/o", "hello world")
    assert response["ETag"] == hashlib.md5(b"hello world", usedforsecurity=False).hexdigest()
    assert response.content == b""
    found = api("GET", "c/dir/o")
    assert body_of(found) == b"hello world"
    assert (found["Content-Type"], found["Content-Length"]) == ("text/plain", "11")
    assert found["Content-Disposition"] == 'inline; filename="dir/o"'
    assert found["X-Object-Version"] == response["X-Object-Version"]
    head = api("HEAD", "c/dir/o")
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", "11")
    for name in ("ETag", "X-Object-Hash", "X-Object-UUID", "Last-Modified", "Available"):
        assert head[name] == found[name]


def test_etags_can_be_root_hashes(api: Api, settings: Any) -> None:
    settings.PITHOS_UPDATE_MD5 = False
    response = api.put("c/o", "abcdefgh")
    assert response["ETag"] == "7d5473712172f9ec1494baa03da3d8734d12d385d1ca6340856771c3d93382e6"


def test_a_body_must_be_what_its_md5_says(api: Api) -> None:
    response = api("PUT", "c/o", b"hello", "text/plain", ETag=MD5["x"])
    assert (response.status_code, "unprocessableEntity" in response.json()) == (422, True)
    assert api("HEAD", "c/o").status_code == 404
    api.put("c/o", "hello", ETag=f'"{MD5["hello"].upper()}"')


def test_type_and_length_must_be_said(api: Api) -> None:
    assert api("PUT", "c/o", b"hello").status_code == 411
    response = api.client.generic(
        "PUT", f"/pithos/object-store/v1/{api.account}/c/o", headers={"X-Auth-Token": api.token},
        CONTENT_LENGTH="", CONTENT_TYPE="text/plain",
    )  # fmt: skip
    assert response.status_code == 411


def test_a_body_that_is_cut_short_leaves_nothing(api: Api) -> None:
    response = api.client.generic(
        "PUT", f"/pithos/object-store/v1/{api.account}/c/o", headers={"X-Auth-Token": api.token},
        CONTENT_LENGTH="10", CONTENT_TYPE="text/plain", **{"wsgi.input": io.BytesIO(b"hello")},
    )  # fmt: skip
    assert response.status_code == 400
    assert api("HEAD", "c/o").status_code == 404


def test_bodies_may_come_in_chunks(api: Api, settings: Any) -> None:
    def upload(data: bytes) -> Any:
        return api.client.generic(
            "PUT", f"/pithos/object-store/v1/{api.account}/c/o", CONTENT_TYPE="text/plain",
            headers={"X-Auth-Token": api.token, "Transfer-Encoding": "chunked"}, CONTENT_LENGTH="",
            **{"wsgi.input": io.BytesIO(data)},
        )  # fmt: skip

    assert upload(b"hello world").status_code == 201
    assert api.read("c/o") == b"hello world"
    settings.PITHOS_MAX_UPLOAD_BYTES = 20
    assert upload(b"x" * 21).status_code == 400
    assert api("PUT", "c/p", b"x" * 21, "text/plain").status_code == 400


def test_a_full_store_is_told_and_nothing_is_named(api: Api, store: Any) -> None:
    store.capacity_bytes = 8
    response = api("PUT", "c/o", b"abcdefghijkl", "text/plain")
    assert (response.status_code, "insufficientStorage" in response.json()) == (507, True)
    assert api("HEAD", "c/o").status_code == 404
    assert api("HEAD", "c")["X-Container-Bytes-Used"] == "0"


def test_only_new_and_only_known(api: Api) -> None:
    assert api("PUT", "c/o", b"1", "x/y", If_Match="*").status_code == 412
    assert [api("PUT", "c/o", b"1", "x/y", If_None_Match="*").status_code for _ in range(2)] == [201, 412]
    etag = api("HEAD", "c/o")["ETag"]
    assert api("PUT", "c/o", b"2", "x/y", If_Match="zz").status_code == 412
    assert api("PUT", "c/o", b"2", "x/y", If_Match=f'"zz", "{etag}"').status_code == 201


@pytest.mark.parametrize("header", ["If_None_Match", "If_Modified_Since"])
def test_what_the_client_has_is_not_sent_again(api: Api, header: str) -> None:
    api.put("c/o", "hello")
    head = api("HEAD", "c/o")
    value = head["ETag"] if header == "If_None_Match" else head["Last-Modified"]
    for method in ("GET", "HEAD"):
        assert api(method, "c/o", **{header: value}).status_code == 304
    assert api("GET", "c/o", If_Match="zz").status_code == 412
    assert api("GET", "c/o", If_Unmodified_Since="Thu, 01 Jan 1970 00:00:00 GMT").status_code == 412
    assert api("GET", "c/o", If_Modified_Since="nonsense").status_code == 200


@pytest.mark.parametrize("path", ["c/" + "x" * 1025, "c/a%00b"])
def test_impossible_names_are_refused(api: Api, path: str) -> None:
    assert api("PUT", path, b"x", "text/plain").status_code == 400


@pytest.mark.parametrize(
    "name", ["a ", "a/", "a//b", "αρχείο", "a%25b", "100%", "x.json", "\U0001f600", "a\nb"]
)
def test_names_are_taken_as_they_are(api: Api, name: str) -> None:
    api.put("c/a", "other")
    api.put(f"c/{quote(name)}", "hello")
    assert api.read(f"c/{quote(name)}") == b"hello"
    assert names(api("GET", "c?format=json")) == sorted(["a", name])
    made = api("PUT", "c/copy", b"", X_Copy_From=f"/c/{quote(name)}")
    assert (made.status_code, api.read("c/copy")) == (201, b"hello")


def test_without_a_container_nothing_is_written(api: Api) -> None:
    response = api("PUT", "nowhere/o", b"x", "text/plain")
    assert response.status_code == 404
    assert response.json()["itemNotFound"]["message"] == "Container does not exist"


def test_metadata_is_kept_shown_and_limited(api: Api) -> None:
    api.put(
        "c/o",
        "x",
        X_Object_Meta_foo_bar="v%CE%B1",
        Content_Encoding="identity",
        Content_Disposition="attachment",
    )
    found = api("GET", "c/o")
    assert found["X-Object-Meta-Foo-Bar"] == "v%CE%B1"
    assert (found["Content-Encoding"], found["Content-Disposition"]) == ("identity", "attachment")
    assert api("GET", "c/o?disposition-type=inline")["Content-Disposition"] == 'inline; filename="o"'
    for headers in (
        {"X-Object-Meta-A": "v" * 257},
        {"X-Object-Meta-" + "k" * 115: "v"},
        {f"X-Object-Meta-K{number}": "v" for number in range(33)},
        {f"X-Object-Meta-K{number}": "v" for number in range(91)},
        {"X-Object-Meta-A": "é"},
        {"X-Object-Meta-A": "%FF"},
    ):
        assert api("POST", "c/o", **headers).status_code == 400
    assert Version.objects.count() == 1


def test_posted_metadata_merges_or_replaces(api: Api) -> None:
    first = api.put("c/o", "x", X_Object_Meta_A="1", X_Object_Meta_B="2")
    response = api("POST", "c/o?update", X_Object_Meta_B="~", X_Object_Meta_C="3")
    assert response.status_code == 202
    assert int(response["X-Object-Version"]) > int(first["X-Object-Version"])
    head = api("HEAD", "c/o")
    assert (head["X-Object-Meta-A"], head["X-Object-Meta-C"]) == ("1", "3")
    assert "X-Object-Meta-B" not in head
    api("POST", "c/o", kind="application/x-other", X_Object_Meta_D="4")
    head = api("HEAD", "c/o")
    assert (head["X-Object-Meta-D"], "X-Object-Meta-A" in head, head["Content-Type"]) == (
        "4",
        False,
        "text/plain",
    )
    assert api("POST", "c/none", X_Object_Meta_A="1").status_code == 404


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "text/html; charset=UTF-8"])
def test_browsers_run_nothing_of_what_people_store(api: Api, kind: str) -> None:
    assert api("PUT", "c/o", b"<script src='x'></script>", kind).status_code == 201
    for path in ("c/o", "c/o?hashmap"):
        response = api("GET", path)
        assert response["Content-Type"] == kind
        assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert response["X-Content-Type-Options"] == "nosniff"


# --- hash maps -------------------------------------------------------------------------------------------


def hashmap(*blocks: bytes, size_bytes: int) -> bytes:
    return json.dumps({"hashes": [sha(block) for block in blocks], "bytes": size_bytes}).encode()


def test_known_blocks_need_not_be_sent(api: Api) -> None:
    wanted = hashmap(b"abcd", b"efgh", b"abcd", b"ij", size_bytes=14)
    response = api("PUT", "c/o?hashmap&format=xml", wanted, "application/json")
    assert response.status_code == 409
    assert response.json() == [sha(b"abcd"), sha(b"efgh"), sha(b"ij")]
    stored = api("POST", "c?update&format=json", b"abcdefghij", "application/octet-stream")
    assert (stored.status_code, stored.json()) == (202, [sha(b"abcd"), sha(b"efgh"), sha(b"ij")])
    assert api("HEAD", "c")["X-Container-Object-Count"] == "0"
    made = api("PUT", "c/o?hashmap", wanted, "application/json")
    assert made.status_code == 201
    assert made["ETag"] == hashlib.md5(b"abcdefghabcdij", usedforsecurity=False).hexdigest()
    assert api.read("c/o") == b"abcdefghabcdij"
    api.put("c/p", "abcdefghabcdij")
    assert api("HEAD", "c/o")["X-Object-Hash"] == api("HEAD", "c/p")["X-Object-Hash"]


def test_hash_maps_are_shown(api: Api) -> None:
    api.put("c/o", "abcdef")
    response = api("GET", "c/o?hashmap")
    assert response["Content-Type"] == "text/plain"
    assert json.loads(response.content) == {
        "block_size": 4, "block_hash": "sha256", "bytes": 6, "hashes": [sha(b"abcd"), sha(b"ef")],
    }  # fmt: skip
    root = ElementTree.fromstring(api("GET", "c/o?hashmap&format=xml").content)  # noqa: S314
    assert [element.text for element in root] == [sha(b"abcd"), sha(b"ef")]
    api.put("c/empty")
    assert json.loads(api("GET", "c/empty?hashmap").content)["hashes"] == [EMPTY]


def test_holes_are_never_missing(api: Api) -> None:
    made = api("PUT", "c/o?hashmap", hashmap(b"", b"", size_bytes=6), "application/json")
    assert made.status_code == 201
    assert api.read("c/o") == bytes(6)
    for empty in ([], [EMPTY]):
        data = json.dumps({"hashes": empty, "bytes": 0})
        assert api("PUT", "c/e?hashmap", data, "application/json").status_code == 201


@pytest.mark.parametrize(
    "data",
    [
        b"junk", b"[]", b"{}", b'{"bytes": -1, "hashes": []}', b'{"bytes": 10, "hashes": []}',
        b'{"bytes": true, "hashes": ["ab"]}', b'{"bytes": 1, "hashes": ["zz"]}',
        b'{"bytes": 1, "hashes": [1]}',
        b'{"bytes": 1, "hashes": "a"}', b"[" * 100_000, b'{"bytes": 1e400, "hashes": []}', b"\xff",
    ],
)  # fmt: skip
def test_senseless_hash_maps_are_refused(api: Api, data: bytes) -> None:
    response = api("PUT", "c/o?hashmap", data, "application/json")
    assert (response.status_code, "badRequest" in response.json()) == (400, True)
