"""Objects as boto3 sees them: written, read, listed, copied, deleted, on condition and with checksums."""

from __future__ import annotations

import base64
import datetime
import hashlib
import io
import zlib
from typing import Any

import httpx
import pytest

from tests.pithos_s3.server import MIB, Server, refused

pytestmark = pytest.mark.host

KEYS = ("a", "dir/one", "dir/two", "dir/sub/three", "z")
ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")


def read(s3: Any, bucket: str, key: str, **more: Any) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def fill(s3: Any, bucket: str, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())


def md5_hex(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("data", [b"", b"hello", b"x" * 5_000_000], ids=["empty", "small", "blocks"])
def test_what_is_written_is_read(s3: Any, bucket: str, data: bytes) -> None:
    made = s3.put_object(Bucket=bucket, Key="k", Body=data)
    assert made["ETag"] == f'"{md5_hex(data)}"'
    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == data
    assert (found["ContentLength"], found["ETag"]) == (len(data), made["ETag"])
    assert found["ContentType"] == "binary/octet-stream"
    age = datetime.datetime.now(datetime.UTC) - found["LastModified"]
    assert abs(age) < datetime.timedelta(minutes=2)


@pytest.mark.parametrize(
    "key",
    ["with space", "plus+plus", "ümlaut/日本", "a//b", "/first", "trailing/", ".", "..", "a/../b", "%41",
     "q?x=1&y#z", "'quoted\"", "~tilde!*()", "\u0301", "a\nb", "k" * 1024],
)  # fmt: skip
def test_keys_are_any_text(s3: Any, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=b"here")
    assert read(s3, bucket, key) == b"here"
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_key_has_1024_bytes_at_most(s3: Any, bucket: str) -> None:
    with refused("KeyTooLongError", 400):
        s3.put_object(Bucket=bucket, Key="k" * 1025, Body=b"")


def test_what_is_said_of_an_object_comes_back(s3: Any, bucket: str) -> None:
    said = {
        "ContentType": "text/plain; charset=utf-8", "CacheControl": "max-age=60", "ContentLanguage": "el",
        "ContentDisposition": 'attachment; filename="a.txt"', "ContentEncoding": "gzip",
        "Metadata": {"color": "red", "two-words": "a b"},
    }  # fmt: skip
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **said)
    for found in (s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")):
        assert {name: found[name] for name in said} == said


def test_overwriting_replaces_everything(s3: Any, bucket: str) -> None:
    s3.put_object(
        Bucket=bucket, Key="k", Body=b"old", Metadata={"a": "1"}, Tagging="x=y", ContentType="text/a"
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"newer")
    found = s3.get_object(Bucket=bucket, Key="k")
    assert (found["Body"].read(), found["Metadata"], found["ContentType"]) == (
        b"newer",
        {},
        "binary/octet-stream",
    )
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_too_much_metadata_is_refused(s3: Any, bucket: str) -> None:
    with refused("MetadataTooLarge", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"a": "x" * 3000})


@pytest.mark.parametrize(
    ("asked", "expected", "place"),
    [("bytes=0-3", b"0123", "bytes 0-3/10"), ("bytes=4-", b"456789", "bytes 4-9/10"),
     ("bytes=-2", b"89", "bytes 8-9/10"), ("bytes=5-100", b"56789", "bytes 5-9/10")],
)  # fmt: skip
def test_ranges(s3: Any, bucket: str, asked: str, expected: bytes, place: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    found = s3.get_object(Bucket=bucket, Key="k", Range=asked)
    assert (found["Body"].read(), found["ContentRange"]) == (expected, place)
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_ranges_that_are_none(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    for key, asked in (("k", "bytes=10-"), ("k", "bytes=40-50"), ("empty", "bytes=0-1")):
        with refused("InvalidRange", 416):
            s3.get_object(Bucket=bucket, Key=key, Range=asked)
    assert read(s3, bucket, "k", Range="bytes=7-2") == b"0123456789"
    assert read(s3, bucket, "k", Range="lines=1-2") == b"0123456789"


def test_reading_on_condition(s3: Any, bucket: str) -> None:
    made = s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    past, future = "Sat, 01 Jan 2000 00:00:00 GMT", datetime.datetime.now() + datetime.timedelta(days=2)
    assert read(s3, bucket, "k", IfMatch=made["ETag"]) == b"data"
    assert read(s3, bucket, "k", IfNoneMatch='"other"') == b"data"
    assert read(s3, bucket, "k", IfModifiedSince=past) == b"data"
    assert read(s3, bucket, "k", IfUnmodifiedSince=future) == b"data"
    assert read(s3, bucket, "k", IfMatch=made["ETag"], IfUnmodifiedSince=past) == b"data"
    with refused("PreconditionFailed", 412):
        read(s3, bucket, "k", IfMatch='"other"')
    with refused("304", 304):
        read(s3, bucket, "k", IfNoneMatch=made["ETag"])
    with refused("304", 304):
        s3.head_object(Bucket=bucket, Key="k", IfNoneMatch=made["ETag"])
    with refused("PreconditionFailed", 412):
        read(s3, bucket, "k", IfUnmodifiedSince=past)
    found = s3.head_object(Bucket=bucket, Key="k")
    with refused("304", 304):
        read(s3, bucket, "k", IfModifiedSince=found["LastModified"])


def test_writing_on_condition(s3: Any, bucket: str) -> None:
    made = s3.put_object(Bucket=bucket, Key="k", Body=b"first", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"second", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"second", IfMatch='"other"')
    with refused("NoSuchKey", 404):
        s3.put_object(Bucket=bucket, Key="absent", Body=b"second", IfMatch=made["ETag"])
    s3.put_object(Bucket=bucket, Key="k", Body=b"second", IfMatch=made["ETag"])
    assert read(s3, bucket, "k") == b"second"
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=made["ETag"])
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=f'"{md5_hex(b"second")}"')


def test_what_is_not_there(s3: Any, bucket: str) -> None:
    with refused("NoSuchKey", 404) as told:
        s3.get_object(Bucket=bucket, Key="absent")
    assert told.error["Key"] == "absent"
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="absent")
    with refused("NoSuchBucket", 404):
        s3.get_object(Bucket="no-such-bucket", Key="absent")
    with refused("NoSuchBucket", 404):
        s3.put_object(Bucket="no-such-bucket", Key="k", Body=b"")
    s3.delete_object(Bucket=bucket, Key="absent")


def test_many_are_deleted_at_once(s3: Any, bucket: str) -> None:
    fill(s3, bucket, *KEYS)
    asked = {"Objects": [{"Key": key} for key in ("a", "absent", "dir/one")]}
    done = s3.delete_objects(Bucket=bucket, Delete=asked)
    assert [one["Key"] for one in done["Deleted"]] == ["a", "absent", "dir/one"]
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "z"}], "Quiet": True})
    assert "Deleted" not in quiet
    left = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert left == ["dir/sub/three", "dir/two"]
    with refused("MalformedXML", 400):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": str(number)} for number in range(1001)]})


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_lists_page_by_page(s3: Any, bucket: str, size: int) -> None:
    fill(s3, bucket, *KEYS)
    for operation in ("list_objects", "list_objects_v2"):
        pages = s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
        assert [one["Key"] for page in pages for one in page["Contents"]] == sorted(KEYS)
        pages = s3.get_paginator(operation).paginate(
            Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}
        )
        keys, prefixes = [], []
        for page in pages:
            keys += [one["Key"] for one in page.get("Contents", [])]
            prefixes += [one["Prefix"] for one in page.get("CommonPrefixes", [])]
            assert len(page.get("Contents", [])) + len(page.get("CommonPrefixes", [])) <= size
        assert (keys, prefixes) == (["a", "z"], ["dir/"])


def test_lists_below_a_prefix(s3: Any, bucket: str) -> None:
    fill(s3, bucket, *KEYS)
    found = s3.list_objects_v2(Bucket=bucket, Prefix="dir/", Delimiter="/")
    assert [one["Key"] for one in found["Contents"]] == ["dir/one", "dir/two"]
    assert found["CommonPrefixes"] == [{"Prefix": "dir/sub/"}]
    assert found["KeyCount"] == 3
    after = s3.list_objects_v2(Bucket=bucket, StartAfter="dir/one", FetchOwner=True)
    assert [one["Key"] for one in after["Contents"]] == ["dir/sub/three", "dir/two", "z"]
    assert after["Contents"][0]["Owner"]["ID"]
    old = s3.list_objects(Bucket=bucket, Marker="dir/two")
    assert [one["Key"] for one in old["Contents"]] == ["z"]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="none")
    other = s3.list_objects_v2(Bucket=bucket, Delimiter="o")
    assert other["CommonPrefixes"] == [{"Prefix": "dir/o"}, {"Prefix": "dir/two"[:7]}]


def test_lists_tell_of_objects(s3: Any, bucket: str) -> None:
    made = s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    (one,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert (one["Size"], one["ETag"], one["StorageClass"]) == (4, made["ETag"], "STANDARD")
    assert one["ChecksumAlgorithm"] == ["CRC32"]


def test_copies(s3: Any, bucket: str) -> None:
    s3.put_object(
        Bucket=bucket,
        Key="ä source",
        Body=b"data" * MIB,
        Metadata={"a": "1"},
        ContentType="text/a",
        Tagging="x=y",
    )
    source = {"Bucket": bucket, "Key": "ä source"}
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    found = s3.get_object(Bucket=bucket, Key="copy")
    assert found["Body"].read() == b"data" * MIB
    assert (found["Metadata"], found["ContentType"], found["TagCount"]) == ({"a": "1"}, "text/a", 1)
    s3.copy_object(
        Bucket=bucket, Key="other", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"},
        TaggingDirective="REPLACE", Tagging="p=q&r=",
    )  # fmt: skip
    assert s3.head_object(Bucket=bucket, Key="other")["Metadata"] == {"b": "2"}
    tags = s3.get_object_tagging(Bucket=bucket, Key="other")["TagSet"]
    assert tags == [{"Key": "p", "Value": "q"}, {"Key": "r", "Value": ""}]
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket=bucket, Key="ä source", CopySource=source)
    s3.copy_object(Bucket=bucket, Key="ä source", CopySource=source, MetadataDirective="REPLACE", Metadata={})
    assert s3.head_object(Bucket=bucket, Key="ä source")["Metadata"] == {}
    with refused("NoSuchKey", 404):
        s3.copy_object(Bucket=bucket, Key="x", CopySource={"Bucket": bucket, "Key": "absent"})
    with refused("NoSuchBucket", 404):
        s3.copy_object(Bucket=bucket, Key="x", CopySource={"Bucket": "no-such-bucket", "Key": "absent"})


def test_copies_on_condition(s3: Any, bucket: str) -> None:
    made = s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(Bucket=bucket, Key="c", CopySource=source, CopySourceIfMatch=made["ETag"])
    for condition in ({"CopySourceIfMatch": '"other"'}, {"CopySourceIfNoneMatch": made["ETag"]}):
        with refused("PreconditionFailed", 412):
            s3.copy_object(Bucket=bucket, Key="c", CopySource=source, **condition)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_checksums_are_kept_and_told(s3: Any, bucket: str, algorithm: str) -> None:
    """boto3 sends them behind the body, in chunks."""
    data, name = b"some data" * 1000, f"Checksum{algorithm}"
    made = s3.put_object(Bucket=bucket, Key="k", Body=io.BytesIO(data), ChecksumAlgorithm=algorithm)
    assert made["ChecksumType"] == "FULL_OBJECT"
    found = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert found["Body"].read() == data
    assert found[name] == made[name]
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[name] == made[name]
    assert name not in s3.head_object(Bucket=bucket, Key="k")
    told = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectSize", "StorageClass"]
    )
    assert told["Checksum"] == {name: made[name], "ChecksumType": "FULL_OBJECT"}
    assert (told["ObjectSize"], told["ETag"]) == (len(data), md5_hex(data))


def test_copies_have_the_checksum_that_is_asked_for(s3: Any, bucket: str) -> None:
    made = s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    source = {"Bucket": bucket, "Key": "k"}
    copied = s3.copy_object(Bucket=bucket, Key="c", CopySource=source)["CopyObjectResult"]
    assert copied["ChecksumCRC32"] == made["ChecksumCRC32"]
    asked = s3.copy_object(Bucket=bucket, Key="c", CopySource=source, ChecksumAlgorithm="SHA256")
    value = base64.b64encode(hashlib.sha256(b"data").digest()).decode()
    assert asked["CopyObjectResult"]["ChecksumSHA256"] == value
    assert s3.head_object(Bucket=bucket, Key="c", ChecksumMode="ENABLED")["ChecksumSHA256"] == value


def test_checksums_are_right(s3: Any, bucket: str) -> None:
    data = b"123456789"
    expected = {
        "CRC32": base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode(),
        "SHA1": base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode(),
        "SHA256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
    }
    for algorithm, value in expected.items():
        s3.put_object(Bucket=bucket, Key="k", Body=data, **{f"Checksum{algorithm}": value})
        with refused("BadDigest", 400):
            s3.put_object(Bucket=bucket, Key="k", Body=data + b"!", **{f"Checksum{algorithm}": value})
        with refused("InvalidRequest", 400):
            s3.put_object(Bucket=bucket, Key="k", Body=data, **{f"Checksum{algorithm}": "bad"})
    assert read(s3, bucket, "k") == data


def test_content_md5(s3: Any, bucket: str) -> None:
    md5 = base64.b64encode(hashlib.md5(b"data", usedforsecurity=False).digest()).decode()
    s3.put_object(Bucket=bucket, Key="k", Body=b"data", ContentMD5=md5)
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"other", ContentMD5=md5)
    for bad in ("bad", base64.b64encode(b"short").decode()):
        with refused("InvalidDigest", 400):
            s3.put_object(Bucket=bucket, Key="k", Body=b"other", ContentMD5=bad)
    assert read(s3, bucket, "k") == b"data"


def test_presigned_addresses(s3: Any, bucket: str) -> None:
    put = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a b"}, ExpiresIn=60)
    assert httpx.put(put, content=b"from a browser").status_code == 200
    get = s3.generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": "a b", "ResponseContentType": "text/x"}, ExpiresIn=60
    )
    found = httpx.get(get)
    assert (found.content, found.headers["content-type"]) == (b"from a browser", "text/x")
    assert httpx.get(get.replace("X-Amz-Expires=60", "X-Amz-Expires=61")).status_code == 403
    other = httpx.put(get, content=b"")
    assert (other.status_code, other.headers["connection"]) == (403, "close")
    assert httpx.get(get.partition("?")[0]).status_code == 403


def test_nobody_and_strangers_are_refused(s3: Any, server: Server, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    at = f"{server.alice.account}/{bucket}"
    assert httpx.get(f"{server.url}/{at}/k").status_code == 403
    wrong = server.client(type(server.alice)(server.alice.account, server.alice.access, "wrong"))
    with refused("SignatureDoesNotMatch", 403):
        wrong.get_object(Bucket=bucket, Key="k")
    unknown = server.client(type(server.alice)("", "no-such-key", "wrong"))
    with refused("InvalidAccessKeyId", 403):
        unknown.get_object(Bucket=bucket, Key="k")
    with refused("NoSuchBucket", 404):
        server.client(server.bob).get_object(Bucket=bucket, Key="k")


def test_tags(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"data", Tagging="a=1&b%20c=%C3%A4&empty=")
    expected = [{"Key": "a", "Value": "1"}, {"Key": "b c", "Value": "ä"}, {"Key": "empty", "Value": ""}]
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == expected
    assert s3.get_object(Bucket=bucket, Key="k")["TagCount"] == 3
    ten = [{"Key": f"{number}" + "k" * 127, "Value": "v" * 256} for number in range(10)]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": ten})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == ten
    for bad in (
        [*ten, {"Key": "more", "Value": ""}],
        [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}],
        [{"Key": "k" * 129, "Value": ""}],
        [{"Key": "k", "Value": "v" * 257}],
    ):
        with refused("BadRequest" if len(bad) > 10 else "InvalidTag", 400):
            s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": bad})
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert read(s3, bucket, "k") == b"data"
    with refused("NoSuchKey", 404):
        s3.get_object_tagging(Bucket=bucket, Key="absent")
