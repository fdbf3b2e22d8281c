"""Uploads in parts as boto3 sees them: aligned to blocks or not, copied, checked, listed, given up."""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
from typing import Any

import httpx
import pytest
from boto3.s3.transfer import TransferConfig

from synnefo.pithos import checksums
from tests.pithos_s3.server import MIB, Server, refused
from tests.pithos_s3.test_boto_objects import ALGORITHMS, md5_hex, read

pytestmark = pytest.mark.host

LEAST = 5 * MIB


def pattern(size_bytes: int, seed: int = 0) -> bytes:
    """Content that is nowhere like it is elsewhere."""
    block = hashlib.sha256(b"%d" % seed).digest()
    counted = b"".join(number.to_bytes(4, "big") + block for number in range(size_bytes // 36 + 1))
    return counted[:size_bytes]


class Upload:
    """One that goes on, and what was put of it."""

    def __init__(self, s3: Any, bucket: str, key: str = "k", **more: Any) -> None:
        self.s3 = s3
        self.at = {"Bucket": bucket, "Key": key}
        self.begun = s3.create_multipart_upload(**self.at, **more)
        self.id = self.begun["UploadId"]
        self.parts: dict[int, dict[str, Any]] = {}

    def put(self, number: int, data: bytes, **more: Any) -> dict[str, Any]:
        made = self.s3.upload_part(**self.at, UploadId=self.id, PartNumber=number, Body=data, **more)
        self._note(number, made)
        return made

    def copy(self, number: int, source: dict[str, str], **more: Any) -> dict[str, Any]:
        done = self.s3.upload_part_copy(
            **self.at, UploadId=self.id, PartNumber=number, CopySource=source, **more
        )
        self._note(number, done["CopyPartResult"])
        return done["CopyPartResult"]

    def complete(self, *numbers: int, **more: Any) -> dict[str, Any]:
        parts = [self.parts[number] for number in numbers or sorted(self.parts)]
        asked = {"Parts": parts}
        return self.s3.complete_multipart_upload(**self.at, UploadId=self.id, MultipartUpload=asked, **more)

    def abort(self) -> None:
        self.s3.abort_multipart_upload(**self.at, UploadId=self.id)

    def listed(self, **more: Any) -> dict[str, Any]:
        return self.s3.list_parts(**self.at, UploadId=self.id, **more)

    def _note(self, number: int, made: dict[str, Any]) -> None:
        found = {
            name: value for name, value in made.items() if name.startswith("Checksum") and "Type" not in name
        }
        self.parts[number] = {"PartNumber": number, "ETag": made["ETag"], **found}


def etag_of(*parts: bytes) -> str:
    digests = b"".join(bytes.fromhex(md5_hex(data)) for data in parts)
    return f'"{md5_hex(digests)}-{len(parts)}"'


@pytest.mark.parametrize("size", [8 * MIB, LEAST, LEAST + 3], ids=["aligned", "5 MiB", "odd"])
def test_parts_become_an_object(s3: Any, bucket: str, size: int) -> None:
    parts = [pattern(size, 1), pattern(size, 2), b"end"]
    upload = Upload(s3, bucket, ContentType="text/x", Metadata={"a": "1"}, Tagging="x=y")
    for number, data in reversed(list(enumerate(parts, 1))):
        assert upload.put(number, data)["ETag"] == f'"{md5_hex(data)}"'
    done = upload.complete()
    assert done["ETag"] == etag_of(*parts)
    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == b"".join(parts)
    assert (found["ETag"], found["ContentLength"]) == (done["ETag"], 2 * size + 3)
    assert (found["ContentType"], found["Metadata"], found["TagCount"]) == ("text/x", {"a": "1"}, 1)
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["ETag"] == done["ETag"]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    assert read(s3, bucket, "k", Range=f"bytes={size - 2}-{size + 1}") == parts[0][-2:] + parts[1][:2]


def test_single_parts_of_an_object_are_read(s3: Any, bucket: str) -> None:
    parts = [pattern(LEAST, 1), b"the end"]
    upload = Upload(s3, bucket)
    for number, data in ((3, parts[0]), (7, parts[1])):
        upload.put(number, data)
    upload.complete()
    found = s3.get_object(Bucket=bucket, Key="k", PartNumber=7)
    assert found["Body"].read() == b"the end"
    assert (found["PartsCount"], found["ContentRange"]) == (2, f"bytes {LEAST}-{LEAST + 6}/{LEAST + 7}")
    head = s3.head_object(Bucket=bucket, Key="k", PartNumber=3)
    assert (head["ContentLength"], head["PartsCount"]) == (LEAST, 2)
    with refused("InvalidPartNumber", 416):
        s3.get_object(Bucket=bucket, Key="k", PartNumber=1)
    s3.put_object(Bucket=bucket, Key="plain", Body=b"data")
    assert read(s3, bucket, "plain", PartNumber=1) == b"data"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_checksums_of_parts_and_of_the_whole(s3: Any, bucket: str, algorithm: str) -> None:
    parts = [pattern(LEAST, 1), b"the end"]
    for kind in checksums.types_of(algorithm):
        upload = Upload(s3, bucket, ChecksumAlgorithm=algorithm, ChecksumType=kind)
        assert (upload.begun["ChecksumAlgorithm"], upload.begun["ChecksumType"]) == (algorithm, kind)
        for number, data in enumerate(parts, 1):
            made = upload.put(number, data, ChecksumAlgorithm=algorithm)
            assert made[f"Checksum{algorithm}"] == value_of(algorithm, data)
        done = upload.complete(ChecksumType=kind)
        digests = b"".join(base64.b64decode(value_of(algorithm, data)) for data in parts)
        whole = value_of(algorithm, b"".join(parts))
        expected = whole if kind == "FULL_OBJECT" else f"{value_of(algorithm, digests)}-2"
        assert (done[f"Checksum{algorithm}"], done["ChecksumType"]) == (expected, kind)
        head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        assert (head[f"Checksum{algorithm}"], head["ChecksumType"]) == (expected, kind)
        told = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "Checksum"])
        assert told["ObjectParts"]["TotalPartsCount"] == 2
        assert [one["Size"] for one in told["ObjectParts"]["Parts"]] == [LEAST, 7]
        assert told["ObjectParts"]["Parts"][1][f"Checksum{algorithm}"] == value_of(algorithm, parts[1])


def value_of(algorithm: str, data: bytes) -> str:
    taker = checksums.running(algorithm)
    taker.update(data)
    return checksums.encoded(taker.digest())


def test_what_is_promised_of_the_whole_must_hold(s3: Any, bucket: str) -> None:
    upload = Upload(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    upload.put(1, b"data", ChecksumAlgorithm="CRC32")
    with refused("BadDigest", 400):
        upload.complete(ChecksumCRC32=value_of("CRC32", b"other"), ChecksumType="FULL_OBJECT")
    with refused("InvalidRequest", 400):
        upload.put(2, b"data", ChecksumAlgorithm="SHA256")
    with refused("InvalidArgument", 400):
        upload.complete(MpuObjectSize=5)
    upload.complete(ChecksumCRC32=value_of("CRC32", b"data"), ChecksumType="FULL_OBJECT", MpuObjectSize=4)
    with refused("InvalidRequest", 400):
        Upload(s3, bucket, ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")


def test_parts_of_other_objects(s3: Any, bucket: str) -> None:
    source = {"Bucket": bucket, "Key": "sourcé"}
    data = pattern(12 * MIB)
    s3.put_object(Bucket=bucket, Key="sourcé", Body=data)
    upload = Upload(s3, bucket)
    spans = [(0, 8 * MIB), (4 * MIB, 10 * MIB), (1, LEAST + 1), (12 * MIB - 10, 12 * MIB)]
    for number, (start, stop) in enumerate(spans, 1):
        made = upload.copy(number, source, CopySourceRange=f"bytes={start}-{stop - 1}")
        assert made["ETag"] == f'"{md5_hex(data[start:stop])}"'
    upload.copy(9, source)
    with refused("EntityTooSmall", 400):
        upload.complete()
    upload.complete(1, 2, 3, 9)
    assert read(s3, bucket, "k") == b"".join(data[start:stop] for start, stop in spans[:3]) + data


def test_parts_that_cannot_be_copied(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    source, upload = {"Bucket": bucket, "Key": "k"}, Upload(s3, bucket, "target")
    with refused("InvalidRange", 416):
        upload.copy(1, source, CopySourceRange="bytes=0-10")
    for bad in ("bytes=5-", "bytes=-5", "bytes=5-1", "0-5", "bytes=0-1,3-4", "bytes=a-b"):
        with refused("InvalidArgument", 400):
            upload.copy(1, source, CopySourceRange=bad)
    with refused("NoSuchKey", 404):
        upload.copy(1, {"Bucket": bucket, "Key": "absent"})
    with refused("PreconditionFailed", 412):
        upload.copy(1, source, CopySourceIfMatch='"other"')


def test_parts_are_replaced(s3: Any, bucket: str) -> None:
    upload = Upload(s3, bucket)
    old = upload.put(1, pattern(LEAST, 1))
    upload.put(1, b"new")
    (one,) = upload.listed()["Parts"]
    assert (one["Size"], one["ETag"]) == (3, f'"{md5_hex(b"new")}"')
    upload.parts[1]["ETag"] = old["ETag"]
    with refused("InvalidPart", 400):
        upload.complete()
    upload.parts[1]["ETag"] = one["ETag"].strip('"')
    upload.complete()
    assert read(s3, bucket, "k") == b"new"


def test_what_cannot_be_completed(s3: Any, bucket: str) -> None:
    upload = Upload(s3, bucket)
    upload.put(1, b"short")
    upload.put(2, b"end")
    with refused("EntityTooSmall", 400):
        upload.complete()
    with refused("InvalidPartOrder", 400):
        upload.complete(2, 1)
    upload.parts[5] = {"PartNumber": 5, "ETag": upload.parts[1]["ETag"]}
    with refused("InvalidPart", 400):
        upload.complete(5)
    with refused("MalformedXML", 400):
        s3.complete_multipart_upload(**upload.at, UploadId=upload.id, MultipartUpload={"Parts": []})
    with refused("NoSuchUpload", 404):
        s3.complete_multipart_upload(
            **upload.at, UploadId="none", MultipartUpload={"Parts": [upload.parts[1]]}
        )
    for number in (0, 10_001):
        with refused("InvalidArgument", 400):
            upload.put(number, b"data")
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="k")


def test_completing_again_is_the_same_again(s3: Any, bucket: str) -> None:
    upload = Upload(s3, bucket)
    upload.put(1, b"data")
    done = upload.complete()
    s3.put_object(Bucket=bucket, Key="k", Body=b"newer")
    assert upload.complete()["ETag"] == done["ETag"]
    assert read(s3, bucket, "k") == b"newer"


def test_completing_on_condition(s3: Any, bucket: str) -> None:
    made = s3.put_object(Bucket=bucket, Key="k", Body=b"there")
    upload = Upload(s3, bucket)
    upload.put(1, b"data")
    with refused("PreconditionFailed", 412):
        upload.complete(IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        upload.complete(IfMatch='"other"')
    upload.complete(IfMatch=made["ETag"])
    assert read(s3, bucket, "k") == b"data"


def test_uploads_are_given_up(s3: Any, bucket: str) -> None:
    upload = Upload(s3, bucket)
    upload.put(1, b"data")
    upload.abort()
    for refusal in (upload.abort, upload.listed, upload.complete, lambda: upload.put(1, b"more")):
        with refused("NoSuchUpload", 404):
            refusal()
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    other = Upload(s3, bucket)
    with refused("NoSuchUpload", 404):
        s3.list_parts(Bucket=bucket, Key="another key", UploadId=other.id)


def test_uploads_are_listed(s3: Any, bucket: str, server: Server) -> None:
    uploads = [Upload(s3, bucket, key) for key in ("dir/b", "a", "dir/ä", "a", "z")]
    order = [uploads[number] for number in (1, 3, 0, 2, 4)]
    expected = [(one.at["Key"], one.id) for one in order]
    for size in (1, 2, 100):
        pages = s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=bucket, PaginationConfig={"PageSize": size}
        )
        found = [(one["Key"], one["UploadId"]) for page in pages for one in page["Uploads"]]
        assert found == expected
    rolled = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert rolled["CommonPrefixes"] == [{"Prefix": "dir/"}]
    assert [one["Key"] for one in rolled["Uploads"]] == ["a", "a", "z"]
    assert rolled["Uploads"][0]["Initiator"]["ID"] == server.alice.account
    below = s3.list_multipart_uploads(Bucket=bucket, Prefix="dir/", MaxUploads=1)
    assert ([one["Key"] for one in below["Uploads"]], below["IsTruncated"]) == (["dir/b"], True)


def test_parts_are_listed(s3: Any, bucket: str) -> None:
    upload = Upload(s3, bucket)
    for number in (1, 2, 5):
        upload.put(number, b"%d" % number)
    first = upload.listed(MaxParts=2)
    assert ([one["PartNumber"] for one in first["Parts"]], first["IsTruncated"]) == ([1, 2], True)
    second = upload.listed(PartNumberMarker=first["NextPartNumberMarker"])
    assert ([one["PartNumber"] for one in second["Parts"]], second["IsTruncated"]) == ([5], False)
    assert first["Parts"][0]["ETag"] == upload.parts[1]["ETag"]


def test_a_bucket_goes_with_uploads_that_nobody_completed(s3: Any, bucket: str) -> None:
    Upload(s3, bucket).put(1, b"data")
    s3.delete_bucket(Bucket=bucket)
    with refused("NoSuchBucket", 404):
        s3.list_multipart_uploads(Bucket=bucket)


def test_uploads_make_versions(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    upload = Upload(s3, bucket)
    upload.put(1, b"data")
    second = upload.complete()
    assert second["VersionId"] != first["VersionId"]
    assert read(s3, bucket, "k", VersionId=first["VersionId"]) == b"old"
    assert read(s3, bucket, "k", VersionId=second["VersionId"]) == b"data"


@pytest.mark.parametrize("size_mib", [5, 8])
def test_boto3_transfers_large_files_by_itself(s3: Any, bucket: str, size_mib: int) -> None:
    data = pattern(20 * MIB + 11)
    config = TransferConfig(
        multipart_threshold=5 * MIB, multipart_chunksize=size_mib * MIB, max_concurrency=3
    )
    s3.upload_fileobj(io.BytesIO(data), bucket, "large", Config=config)
    into = io.BytesIO()
    s3.download_fileobj(bucket, "large", into, Config=config)
    assert into.getvalue() == data
    s3.copy({"Bucket": bucket, "Key": "large"}, bucket, "copied", Config=config)
    assert read(s3, bucket, "copied") == data


def test_anybody_may_ask_for_what_others_see(s3: Any, bucket: str, server: Server) -> None:
    """An access list that is said at the beginning is that of the object at the end."""
    key = secrets.token_hex(4)
    upload = Upload(s3, bucket, key, ACL="public-read")
    upload.put(1, b"for all")
    upload.complete()
    assert httpx.get(f"{server.url}/{server.alice.account}/{bucket}/{key}").content == b"for all"
