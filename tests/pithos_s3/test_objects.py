"""Objects as S3's clients read, write, copy and remove them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from django.test import Client

from synnefo.pithos.namespace.models import Version
from tests.conftest import People
from tests.pithos_kit import body_of
from tests.pithos_s3.conftest import Api, encoded, error, texts, tree

pytestmark = pytest.mark.django_db


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def content_md5(data: bytes) -> str:
    return base64.b64encode(bytes.fromhex(md5(data))).decode()


def test_an_object_comes_back_as_it_was(api: Api) -> None:
    made = api.put("/bucket/a/b.txt", "hello world", content_type="text/plain", x_amz_meta_colour="blue")
    assert made["ETag"] == f'"{md5(b"hello world")}"'
    assert len(made["x-amz-request-id"]) == 16
    assert made["x-amz-id-2"]
    found = api("GET", "/bucket/a/b.txt")
    assert body_of(found) == b"hello world"
    assert found["Content-Type"] == "text/plain"
    assert found["x-amz-meta-colour"] == "blue"
    assert found["ETag"] == made["ETag"]
    assert found["Content-Length"] == "11"
    assert "Last-Modified" in found
    assert "x-amz-version-id" not in found
    head = api("HEAD", "/bucket/a/b.txt")
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", "11")
    assert head["x-amz-meta-colour"] == "blue"


@pytest.mark.parametrize(
    "key",
    [
        "a b",
        "a+b",
        "a%2Fb",
        "a//b",
        "//",
        "../x",
        "./x",
        "ü/ñ/日本",
        "a?b#c",
        "~*'()!@&=$,;:",
        "a\nb",
        "x" * 1024,
    ],
)
def test_keys_are_any_text(api: Api, key: str) -> None:
    api.put(f"/bucket/{encoded(key)}", key)
    assert api.read(f"/bucket/{encoded(key)}") == key.encode()
    assert texts(api("GET", "/bucket"), "Contents/Key") == [key]
    assert api("DELETE", f"/bucket/{encoded(key)}").status_code == 204


def test_keys_that_cannot_be_are_refused(api: Api) -> None:
    assert error(api("PUT", f"/bucket/{'x' * 1025}", "x")) == (400, "KeyTooLongError")
    assert error(api("PUT", "/bucket/a%00b", "x")) == (400, "InvalidURI")
    assert api("PUT", "/bucket/%ff", "x").status_code in (400, 403)


def test_what_is_missing_is_said(api: Api) -> None:
    assert error(api("GET", "/bucket/none")) == (404, "NoSuchKey")
    assert error(api("GET", "/nowhere/none")) == (404, "NoSuchBucket")
    assert error(api("PUT", "/nowhere/none", "x")) == (404, "NoSuchBucket")
    assert error(api("GET", "/bucket/none", query="versionId=12345")) == (404, "NoSuchVersion")
    assert error(api("GET", "/bucket/none", query="versionId=x")) == (400, "InvalidArgument")
    head = api("HEAD", "/bucket/none")
    assert (head.status_code, head.content) == (404, b"")
    answer = tree(api("GET", "/bucket/none"))
    assert answer.findtext("Key") == "none"
    assert answer.findtext("RequestId")
    assert answer.findtext("HostId")


@pytest.mark.parametrize(
    ("asked", "part", "place"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=5-", b"56789", "bytes 5-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
    ],
)
def test_a_part_of_an_object(api: Api, asked: str, part: bytes, place: str) -> None:
    api.put("/bucket/o", "0123456789")
    found = api("GET", "/bucket/o", range=asked)
    assert (found.status_code, body_of(found), found["Content-Range"]) == (206, part, place)


def test_parts_that_are_none(api: Api) -> None:
    api.put("/bucket/o", "0123456789")
    refused = api("GET", "/bucket/o", range="bytes=10-")
    assert error(refused) == (416, "InvalidRange")
    assert refused["Content-Range"] == "bytes */10"
    for text in ("bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=0-1,3-4"):
        assert api.read("/bucket/o", range=text) == b"0123456789"
    whole = api("GET", "/bucket/o", query="partNumber=1")
    assert (whole.status_code, body_of(whole)) == (206, b"0123456789")
    assert error(api("GET", "/bucket/o", query="partNumber=2")) == (416, "InvalidPartNumber")


def test_conditions_of_reading(api: Api) -> None:
    tag = api.put("/bucket/o", "x")["ETag"]
    assert api("GET", "/bucket/o", if_match=tag).status_code == 200
    assert error(api("GET", "/bucket/o", if_match='"other"')) == (412, "PreconditionFailed")
    unchanged = api("GET", "/bucket/o", if_none_match=tag)
    assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", tag)
    assert api("GET", "/bucket/o", if_none_match='"other"').status_code == 200
    future, past = "Fri, 01 Jan 2100 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"
    assert api("GET", "/bucket/o", if_modified_since=future).status_code == 304
    assert api("GET", "/bucket/o", if_modified_since=past).status_code == 200
    assert api("GET", "/bucket/o", if_unmodified_since=past).status_code == 412
    assert api("GET", "/bucket/o", if_match=tag, if_unmodified_since=past).status_code == 200
    assert api("GET", "/bucket/o", if_modified_since="yesterday").status_code == 200


def test_conditions_of_writing(api: Api) -> None:
    assert error(api("PUT", "/bucket/o", "x", if_match='"a"')) == (404, "NoSuchKey")
    tag = api.put("/bucket/o", "x", if_none_match="*")["ETag"]
    assert error(api("PUT", "/bucket/o", "y", if_none_match="*")) == (412, "PreconditionFailed")
    assert error(api("PUT", "/bucket/o", "y", if_match='"a"')) == (412, "PreconditionFailed")
    assert api.read("/bucket/o") == b"x"
    api.put("/bucket/o", "y", if_match=tag)
    assert api.read("/bucket/o") == b"y"


def test_headers_of_the_answer_may_be_wished(api: Api, nobody: Api, people: People) -> None:
    api.put("/bucket/o", "x", content_type="text/plain", cache_control="no-cache")
    assert api("GET", "/bucket/o")["Cache-Control"] == "no-cache"
    wish = "response-cache-control=max-age%3D5&response-content-disposition=inline%3B%20filename%3D%22a%22"
    found = api("GET", "/bucket/o", query=wish + "&response-content-type=image%2Fpng%0D%0AX")
    assert found["Cache-Control"] == "max-age=5"
    assert found["Content-Disposition"] == 'inline; filename="a"'
    assert found["Content-Type"] == "image/png%0D%0AX"
    account = people.alice.user.uuid
    assert error(nobody("GET", f"/{account}/bucket/o", query=wish))[0] in (400, 403)


def test_metadata_are_those_of_other_faces(api: Api) -> None:
    api.put(
        "/bucket/o", "x", x_amz_meta_Foo_Bar="1", x_amz_meta_place="Νάξος",
        content_encoding="aws-chunked,gzip", content_language="el", expires="0",
    )  # fmt: skip
    kept = Version.objects.get().own_attributes
    assert kept["X-Object-Meta-Foo-Bar"] == "1"
    assert kept["X-Object-Meta-Place"] == "Νάξος"
    found = api("HEAD", "/bucket/o")
    assert found["x-amz-meta-foo-bar"] == "1"
    assert found["x-amz-meta-place"] == "=?utf-8?b?zp3OrM6+zr/Pgg==?="
    assert (found["Content-Encoding"], found["Content-Language"]) == ("gzip", "el")
    api.put("/bucket/o", "x", x_amz_meta_place="=?utf-8?b?zp3OrM6+zr/Pgg==?=")
    assert Version.objects.get(state=0).own_attributes == {"X-Object-Meta-Place": "Νάξος"}


def test_metadata_have_two_kilobytes_in_all(api: Api) -> None:
    api.put("/bucket/o", "x", x_amz_meta_a="v" * 2047)
    assert api("HEAD", "/bucket/o")["x-amz-meta-a"] == "v" * 2047
    assert error(api("PUT", "/bucket/o", "x", x_amz_meta_a="v" * 2048)) == (400, "MetadataTooLarge")


def test_content_must_be_what_its_md5_says(api: Api) -> None:
    api.put("/bucket/o", "abc", content_md5=content_md5(b"abc"))
    assert error(api("PUT", "/bucket/o", "abd", content_md5=content_md5(b"abc"))) == (400, "BadDigest")
    assert error(api("PUT", "/bucket/o", "abd", content_md5="x")) == (400, "InvalidDigest")
    assert error(api("PUT", "/bucket/o", "abd", content_md5="")) == (400, "InvalidDigest")
    wrong = {"x-amz-content-sha256": hashlib.sha256(b"other").hexdigest()}
    url = f"http://{api.host}/bucket/o"
    refused = api.send("PUT", url, b"abd", api.signed("PUT", url, b"abd", wrong))
    assert error(refused) == (400, "XAmzContentSHA256Mismatch")
    assert api.read("/bucket/o") == b"abc"


def test_a_body_that_is_too_long_is_refused(api: Api, settings: Any) -> None:
    settings.PITHOS_MAX_UPLOAD_BYTES = 3
    assert error(api("PUT", "/bucket/o", "abcd")) == (400, "EntityTooLarge")
    api.put("/bucket/o", "abc")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("x_amz_server_side_encryption", "NotImplemented"),
        ("x_amz_object_lock_mode", "NotImplemented"),
        ("x_amz_website_redirect_location", "NotImplemented"),
        ("x_amz_storage_class", "InvalidStorageClass"),
    ],
)
def test_what_is_not_here_is_not_promised(api: Api, header: str, code: str) -> None:
    assert error(api("PUT", "/bucket/o", "x", **{header: "GLACIER"}))[1] == code
    assert error(api("GET", "/bucket/o"))[1] == "NoSuchKey"


def test_copies(api: Api) -> None:
    api.put("/bucket/a%20b", "content", content_type="text/x", x_amz_meta_a="1")
    made = api("PUT", "/bucket/copy", x_amz_copy_source="/bucket/a%20b")
    assert (made.status_code, texts(made, "ETag")) == (200, [f'"{md5(b"content")}"'])
    copy = api("GET", "/bucket/copy")
    assert (body_of(copy), copy["Content-Type"], copy["x-amz-meta-a"]) == (b"content", "text/x", "1")
    api.put(
        "/bucket/other", x_amz_copy_source="bucket/a%20b", x_amz_metadata_directive="REPLACE",
        content_type="text/y", x_amz_meta_b="2",
    )  # fmt: skip
    other = api("HEAD", "/bucket/other")
    assert (other["Content-Type"], other["x-amz-meta-b"]) == ("text/y", "2")
    assert "x-amz-meta-a" not in other


def test_copies_onto_themselves(api: Api) -> None:
    api.put("/bucket/o", "x", x_amz_meta_a="1")
    assert error(api("PUT", "/bucket/o", x_amz_copy_source="/bucket/o")) == (400, "InvalidRequest")
    api.put("/bucket/o", x_amz_copy_source="/bucket/o", x_amz_metadata_directive="REPLACE")
    assert "x-amz-meta-a" not in api("HEAD", "/bucket/o")


def test_copies_that_cannot_be(api: Api) -> None:
    api.put("/bucket/o", "x")
    for source, expected in {
        "/bucket/none": (404, "NoSuchKey"),
        "/nowhere/o": (404, "NoSuchBucket"),
        "/bucket": (400, "InvalidArgument"),
        "%ff/%ff": (400, "InvalidArgument"),
        "/bucket/o?versionId=99999999": (404, "NoSuchVersion"),
    }.items():
        assert error(api("PUT", "/bucket/copy", x_amz_copy_source=source)) == expected, source
    wrong = {"x_amz_copy_source_if_match": '"other"'}
    refused = api("PUT", "/bucket/copy", x_amz_copy_source="/bucket/o", **wrong)
    assert error(refused) == (412, "PreconditionFailed")
    refused = api("PUT", "/bucket/copy", x_amz_copy_source="/bucket/o", x_amz_metadata_directive="MOVE")
    assert error(refused) == (400, "InvalidArgument")


def delete_many(api: Api, *keys: str, quiet: bool = False) -> Any:
    objects = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    body = f"<Delete>{'<Quiet>true</Quiet>' if quiet else ''}{objects}</Delete>".encode()
    return api("POST", "/bucket", body, query="delete", content_md5=content_md5(body))


def test_many_objects_are_removed_at_once(api: Api) -> None:
    for key in ("a", "b", "c"):
        api.put(f"/bucket/{key}", key)
    gone = delete_many(api, "a", "b", "a", "none")
    assert texts(gone, "Deleted/Key") == ["a", "b", "a", "none"]
    assert texts(api("GET", "/bucket"), "Contents/Key") == ["c"]
    assert texts(delete_many(api, "c", quiet=True), "Deleted/Key") == []
    assert texts(api("GET", "/bucket"), "Contents/Key") == []
    assert Version.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<Delete></Delete>", "MalformedXML"),
        (b"<Delete><Object/></Delete>", "MalformedXML"),
        (b"<Other/>", "MalformedXML"),
        (b"no xml", "MalformedXML"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><Delete><Object><Key>&b;</Key></Object></Delete>", "MalformedXML"),
        (b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>", "MalformedXML"),
    ],
)
def test_lists_of_what_to_remove_that_are_none(api: Api, body: bytes, code: str) -> None:
    assert error(api("POST", "/bucket", body, query="delete", content_md5=content_md5(body))) == (400, code)
    assert error(api("POST", "/bucket", body, query="delete")) == (400, "InvalidRequest")


def test_removing_what_is_not_there_is_no_error(api: Api) -> None:
    assert api("DELETE", "/bucket/none").status_code == 204
    assert error(api("DELETE", "/nowhere/none")) == (404, "NoSuchBucket")


def test_a_key_that_is_too_long_fails_alone(api: Api) -> None:
    api.put("/bucket/a", "x")
    gone = delete_many(api, "x" * 1025, "a")
    assert texts(gone, "Error/Code") == ["KeyTooLongError"]
    assert texts(gone, "Deleted/Key") == ["a"]


def test_chunks_on_their_way(api: Api) -> None:
    """As today's clients send what they cannot hash before: chunks without signatures, a checksum behind."""
    body = b"6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-decoded-content-length": "11", "content-encoding": "aws-chunked",
    }  # fmt: skip
    url = f"http://{api.host}/bucket/o"

    def send(sent: bytes) -> Any:
        return api.send("PUT", url, sent, api.signed("PUT", url, sent, headers))

    assert send(body).status_code == 200
    assert api.read("/bucket/o") == b"hello world"
    assert "Content-Encoding" not in api("HEAD", "/bucket/o")
    assert error(send(body.replace(b"world", b"World"))) == (400, "BadDigest")
    assert error(send(body.replace(b"5\r\nworld", b"4\r\nworl"))) == (400, "IncompleteBody")
    assert api.read("/bucket/o") == b"hello world"


def test_a_large_object_of_swift_is_whole(api: Api, people: People, settings: Any) -> None:
    for name, text in (("one", "12345"), ("two", "6789")):
        assert api("PUT", f"/bucket/{name}", text).status_code == 200
    speaks_s3 = settings.MIDDLEWARE
    settings.MIDDLEWARE = speaks_s3[:1]
    url = f"/pithos/object-store/swift/v1/AUTH_{people.alice.user.uuid}/bucket/large?multipart-manifest=put"
    segments = json.dumps([{"path": "/bucket/one"}, {"path": "/bucket/two"}])
    made = Client().put(url, segments, headers={"X-Auth-Token": people.alice.token})
    assert made.status_code == 201, made.content
    settings.MIDDLEWARE = speaks_s3

    assert api.read("/bucket/large") == b"123456789"
    assert api.read("/bucket/large", Range="bytes=3-6") == b"4567"
    told = api("HEAD", "/bucket/large")
    assert (told["Content-Length"], told["ETag"][-3:]) == ("9", '-1"')
    listed = api("GET", "/bucket", query="prefix=large")
    assert (texts(listed, "Contents/Size"), texts(listed, "Contents/ETag")) == (["9"], [told["ETag"]])
