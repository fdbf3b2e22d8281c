"""Pithos' own face: parts of objects read and written, versions, copies, deletion."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client

from synnefo.pithos.namespace.models import Version
from tests.pithos.conftest import Api, names
from tests.pithos_kit import body_of

# --- reading parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected", "shown"),
    [
        ("bytes=0-3", b"abcd", "bytes 0-3/10"),
        ("bytes=2-6", b"cdefg", "bytes 2-6/10"),
        ("bytes=6-", b"ghij", "bytes 6-9/10"),
        ("bytes=-4", b"ghij", "bytes 6-9/10"),
        ("bytes=-40", b"abcdefghij", "bytes 0-9/10"),
        ("bytes=8-40", b"ij", "bytes 8-9/10"),
    ],
)
def test_a_range(api: Api, header: str, expected: bytes, shown: str) -> None:
    api.put("c/o", "abcdefghij")
    response = api("GET", "c/o", Range=header)
    assert (response.status_code, body_of(response)) == (206, expected)
    assert (response["Content-Range"], response["Content-Length"]) == (shown, str(len(expected)))


@pytest.mark.parametrize(
    "header", ["bytes=3-1", "nonsense", "bytes=", "bytes=a-b", "lines=1-2", "bytes=-", "bytes=²-"]
)
def test_senseless_ranges_are_passed_over(api: Api, header: str) -> None:
    api.put("c/o", "abcdefghij")
    response = api("GET", "c/o", Range=header)
    assert response.status_code == (200 if header.isascii() else 400)


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=0-1,10-12", "bytes=-0"])
def test_ranges_behind_the_end_are_refused(api: Api, header: str) -> None:
    api.put("c/o", "abcdefghij")
    response = api("GET", "c/o", Range=header)
    assert (response.status_code, "rangeNotSatisfiable" in json.loads(response.content)) == (416, True)


def test_several_ranges_come_in_parts(api: Api) -> None:
    api.put("c/o", "abcdefghij")
    response = api("GET", "c/o", Range="bytes=6-7,0-1")
    assert response.status_code == 206
    boundary = response["Content-Type"].partition("boundary=")[2]
    assert body_of(response).decode() == (
        f"--{boundary}\r\nContent-Range: bytes 6-7/10\r\nContent-Transfer-Encoding: binary\r\n\r\ngh\r\n"
        f"--{boundary}\r\nContent-Range: bytes 0-1/10\r\nContent-Transfer-Encoding: binary\r\n\r\nab\r\n"
        f"--{boundary}--\r\n"
    )


def test_if_range(api: Api) -> None:
    api.put("c/o", "abcdefghij")
    head = api("HEAD", "c/o")
    for value in (head["ETag"], f'"{head["ETag"]}"', head["Last-Modified"]):
        assert api("GET", "c/o", Range="bytes=0-1", If_Range=value).status_code == 206
    assert api("GET", "c/o", Range="bytes=0-1", If_Range="other").status_code == 200


# --- changing parts --------------------------------------------------------------------------------------


def patch(api: Api, data: bytes, where: str, **headers: str) -> Any:
    return api("POST", "c/o", data, "application/octet-stream", Content_Range=where, **headers)


@pytest.mark.parametrize(
    ("where", "data", "headers", "expected"),
    [
        ("bytes 2-4/*", b"ABC", {}, b"01ABC56789"),
        ("bytes 2-/*", b"ABC", {}, b"01ABC56789"),
        ("bytes */*", b"tail", {}, b"0123456789tail"),
        ("bytes 10-13/*", b"tail", {}, b"0123456789tail"),
        ("bytes 8-11/*", b"tail", {}, b"01234567tail"),
        ("bytes 0-1/10", b"QQ", {}, b"QQ23456789"),
        ("bytes 0-1/*", b"QQ", {"X-Object-Bytes": "6"}, b"QQ2345"),
        ("bytes 0-1/*", b"QQ", {"X-Object-Bytes": "60"}, b"QQ23456789"),
    ],
)
def test_a_part_is_replaced(
    api: Api, where: str, data: bytes, headers: dict[str, str], expected: bytes
) -> None:
    api.put("c/o", "0123456789", X_Object_Meta_A="kept")
    response = patch(api, data, where, **headers)
    assert response.status_code == 204, response.content
    assert response["ETag"] == hashlib.md5(expected, usedforsecurity=False).hexdigest()
    assert api.read("c/o") == expected
    head = api("HEAD", "c/o")
    assert (head["X-Object-Meta-A"], head["Content-Type"]) == ("kept", "text/plain")
    api.put("c/whole", expected)
    assert api("HEAD", "c/whole")["X-Object-Hash"] == head["X-Object-Hash"]


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ("rubbish", 416),
        ("bytes 4-2/*", 416),
        ("bytes 50-51/*", 416),
        ("bytes 0-1/9", 416),
        ("bytes 9-10/10", 416),
        ("bytes 0-5/*", 400),
    ],
)
def test_senseless_places_are_refused(api: Api, where: str, status: int) -> None:
    api.put("c/o", "0123456789")
    assert patch(api, b"zz", where).status_code == status
    assert api.read("c/o") == b"0123456789"


def test_octets_need_a_place(api: Api) -> None:
    api.put("c/o", "x")
    assert api("POST", "c/o", b"more", "application/octet-stream", X_Object_Meta_A="b").status_code == 400
    assert patch(api, b"", "bytes */*", **{"X-Object-Bytes": "x"}).status_code == 400


def test_octets_without_any_are_metadata(api: Api) -> None:
    api.put("c/o", "x")
    assert api("POST", "c/o", b"", "application/octet-stream", X_Object_Meta_A="b").status_code == 202
    assert api("HEAD", "c/o")["X-Object-Meta-A"] == "b"


def test_a_part_comes_from_another_object(api: Api) -> None:
    api.put("c/o", "0123456789")
    api.put("c/source", "abcdef")
    response = api("POST", "c/o", kind="text/plain", Content_Range="bytes 4-7/*", X_Source_Object="/c/source")
    assert (response.status_code, api.read("c/o")) == (204, b"0123abcd89")
    for headers, status in (
        ({"X-Source-Object": "c/source"}, 400),
        ({"X-Source-Object": "/c/none"}, 404),
        ({"X-Source-Object": "/c/source", "Content-Range": "bytes 0-8/*"}, 400),
    ):
        given = {"Content-Range": "bytes 0-1/*", **headers}
        assert api("POST", "c/o", kind="text/plain", **given).status_code == status


def test_an_object_is_cut_and_brought_back_as_kamaki_does(api: Api) -> None:
    version = api.put("c/o", "0123456789")["X-Object-Version"]
    cut = api(
        "POST", "c/o", kind="text/plain", Content_Range="bytes 0-5/*", X_Source_Object="/c/o",
        X_Object_Bytes="5",
    )  # fmt: skip
    assert (cut.status_code, api.read("c/o")) == (204, b"01234")
    back = api(
        "POST", "c/o", kind="text/plain", Content_Range="bytes 0-/*", X_Source_Object="/c/o",
        X_Source_Version=version, X_Object_Bytes="10",
    )  # fmt: skip
    assert (back.status_code, api.read("c/o")) == (204, b"0123456789")


def test_a_form_uploads_a_file(api: Api) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    url = f"/pithos/object-store/v1/{api.account}/c/o?X-Auth-Token={api.token}"
    response = Client().post(url, {"X-Object-Data": SimpleUploadedFile("f", b"hello", "image/png")})
    assert (response.status_code, response.content.decode()) == (201, "5d41402abc4b2a76b9719d911017c592")
    assert api("HEAD", "c/o")["Content-Type"] == "image/png"
    assert Client().post(url, {"other": "x"}).status_code == 400


# --- versions, copies, deletion --------------------------------------------------------------------------


def test_versions_are_listed_and_read(api: Api) -> None:
    first = api.put("c/o", "one")["X-Object-Version"]
    second = api.put("c/o", "two")["X-Object-Version"]
    listed = api("GET", "c/o?version=list").json()["versions"]
    assert [str(number) for number, _ in listed] == [first, second]
    assert all(isinstance(moment, str) and "." in moment for _, moment in listed)
    assert api.read(f"c/o?version={first}") == b"one"
    api("DELETE", "c/o")
    assert api.read(f"c/o?version={second}") == b"two"
    tombstone = Version.objects.latest("id").pk
    for version in ("x", "99999", str(tombstone)):
        response = api("GET", f"c/o?version={version}")
        assert response.json()["itemNotFound"]["message"] == "Version does not exist"
    assert api("GET", "c/never?version=list").status_code == 404
    root = ElementTree.fromstring(api("GET", "c/o?version=list&format=xml").content)  # noqa: S314
    assert [element.text for element in root] == [first, second]


@pytest.mark.parametrize("form", ["PUT", "verb"])
@pytest.mark.parametrize("moving", [False, True])
def test_copies_and_moves(api: Api, form: str, moving: bool) -> None:
    api.put("c/o", "hello", X_Object_Meta_A="1", X_Object_Meta_B="2")
    uuid = api("HEAD", "c/o")["X-Object-UUID"]
    headers = {"X-Object-Meta-B": "", "X-Object-Meta-C": "3"}
    if form == "PUT":
        response = api("PUT", "c/new", b"", **{f"X-{'Move' if moving else 'Copy'}-From": "/c/o"}, **headers)
    else:
        response = api("MOVE" if moving else "COPY", "c/o", Destination="/c/new", **headers)
    assert response.status_code == 201
    head = api("HEAD", "c/new")
    assert head["X-Object-Version"] == response["X-Object-Version"]
    assert (head["X-Object-Meta-A"], head["X-Object-Meta-C"]) == ("1", "3")
    assert "X-Object-Meta-B" not in head
    assert (head["X-Object-UUID"] == uuid) is moving
    assert api("HEAD", "c/o").status_code == (404 if moving else 200)
    assert head["Content-Type"] == "text/plain"


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_senseless_destinations_are_refused(api: Api, method: str) -> None:
    api.put("c/o", "hello")
    for destination, status in (("", 400), ("c/n", 400), ("/c", 400), ("/c/", 400), ("/nowhere/n", 404)):
        assert api(method, "c/o", Destination=destination).status_code == status
    assert api(method, "c/none", Destination="/c/n").status_code == 404
    assert api("PUT", "c/n", b"", X_Copy_From="/c/o", X_Source_Version="x").status_code == 400
    assert api("PUT", "c/n", b"", X_Copy_From="/c/o", X_Source_Version="99999").status_code == 404
    assert names(api("GET", "c?format=json")) == ["o"]


def test_trees_are_copied_moved_and_deleted(api: Api) -> None:
    for name in ("d", "d/1", "d/e/2", "dX"):
        api.put(f"c/{name}", "x")
    assert api("COPY", "c/d?delimiter=/", Destination="/c/t").status_code == 201
    assert names(api("GET", "c?format=json")) == ["d", "d/1", "d/e/2", "dX", "t", "t/1", "t/e/2"]
    assert api("MOVE", "c/t?delimiter=/", Destination="/c/u").status_code == 201
    assert api("DELETE", "c/d?delimiter=/").status_code == 204
    assert names(api("GET", "c?format=json")) == ["dX", "u", "u/1", "u/e/2"]


def test_deleting(api: Api) -> None:
    api.put("c/o", "hello")
    assert [api("DELETE", "c/o").status_code for _ in range(2)] == [204, 404]
    api.put("c/o", "hello")
    assert api("DELETE", "c/o?until=9999999999").status_code == 204
    assert not Version.objects.exists()


def test_lists_look_back(api: Api) -> None:
    api.put("c/o", "hello")
    assert names(api("GET", "c?format=json&until=9999999999")) == ["o"]
    assert api("GET", "c?format=json&until=1").json() == []
    assert api("HEAD", "c?until=1")["X-Container-Object-Count"] == "0"
    assert names(api("GET", "c?format=json&until=x")) == ["o"]


def test_faults_come_in_xml_where_it_is_asked_for(api: Api) -> None:
    response = api("GET", "c/none?format=xml")
    assert response["Content-Type"] == "application/xml; charset=UTF-8"
    root = ElementTree.fromstring(response.content)  # noqa: S314
    assert (root.tag, root.get("code"), root.findtext("message")) == (
        "itemNotFound",
        "404",
        "Object does not exist",
    )


def test_other_methods_answer_in_json_whatever_is_asked_for(api: Api) -> None:
    response = api("PUT", "c/o?hashmap&format=xml", b"<object/>", "application/xml")
    assert response.json()["badRequest"]["message"] == "Invalid data formatting"


def test_unknown_paths_are_bad_requests(api: Api) -> None:
    for path in ("/pithos/object-store/v2", "/pithos/object-store/", "/pithos/object-store/v1//c"):
        assert api("GET", path).status_code == 400
