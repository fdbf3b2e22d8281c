"""Uploads in parts, request by request, on blocks of four bytes."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from synnefo.pithos.checksums import encoded
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.uploads import rules
from tests.pithos_s3.conftest import Api, error, key_of, texts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LEAST_BYTES", 4)


def begin(api: Api, path: str = "/bucket/o", **headers: str) -> str:
    response = api("POST", path, query="uploads=", **headers)
    assert response.status_code == 200, response.content
    return texts(response, "UploadId")[0]


def put(api: Api, upload: str, number: int, data: bytes, path: str = "/bucket/o", **headers: str) -> Any:
    return api("PUT", path, data, query=f"partNumber={number}&uploadId={upload}", **headers)


def complete(api: Api, upload: str, *parts: tuple[int, str], path: str = "/bucket/o", **headers: str) -> Any:
    listed = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in parts
    )
    body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"
    return api("POST", path, body, query=f"uploadId={upload}", **headers)


def of(api: Api, *parts: bytes, **headers: str) -> Any:
    upload = begin(api, **headers)
    made = [put(api, upload, number, data) for number, data in enumerate(parts, 1)]
    return complete(api, upload, *((number, one["ETag"]) for number, one in enumerate(made, 1)))


@pytest.mark.parametrize("parts", [[b"aligned!", b"end"], [b"not so", b"aligned", b"x"], [b"one"]])
def test_parts_are_joined(api: Api, parts: list[bytes]) -> None:
    done = of(api, *parts, x_amz_meta_a="1", content_type="text/x")
    assert texts(done, "ETag")[0].endswith(f'-{len(parts)}"')
    assert api.read("/bucket/o") == b"".join(parts)
    head = api("HEAD", "/bucket/o")
    assert (head["x-amz-meta-a"], head["Content-Type"]) == ("1", "text/x")
    assert head["ETag"] == texts(done, "ETag")[0]
    assert texts(api("GET", "/bucket"), "Contents/ETag") == [head["ETag"]]


def test_another_face_changes_the_content_and_the_etag_is_another(api: Api) -> None:
    done = of(api, b"data", b"more")
    Version.objects.update(hash="0" * 64, checksum="1" * 32)
    head = api("HEAD", "/bucket/o", x_amz_checksum_mode="ENABLED")
    assert head["ETag"] == f'"{"1" * 32}"' != texts(done, "ETag")[0]


def test_a_part_out_of_another_object(api: Api) -> None:
    api.put("/bucket/source", b"0123456789")
    upload = begin(api)
    made = put(api, upload, 1, b"", x_amz_copy_source="bucket/source", x_amz_copy_source_range="bytes=3-8")
    assert texts(made, "ETag") == [f'"{hashlib.md5(b"345678", usedforsecurity=False).hexdigest()}"']
    assert complete(api, upload, (1, texts(made, "ETag")[0])).status_code == 200
    assert api.read("/bucket/o") == b"345678"


def test_a_part_must_be_what_its_checksums_say(api: Api) -> None:
    upload = begin(api, x_amz_checksum_algorithm="sha256")
    value = encoded(hashlib.sha256(b"data").digest())
    assert put(api, upload, 1, b"data", x_amz_checksum_sha256=value)["x-amz-checksum-sha256"] == value
    assert error(put(api, upload, 1, b"else", x_amz_checksum_sha256=value)) == (400, "BadDigest")
    assert error(put(api, upload, 1, b"data", x_amz_checksum_sha1=value)) == (400, "InvalidRequest")
    two = {"x_amz_checksum_sha1": value, "x_amz_checksum_sha256": value}
    assert error(put(api, upload, 1, b"data", **two)) == (400, "InvalidRequest")
    assert put(api, upload, 2, b"none said")["x-amz-checksum-sha256"]


@pytest.mark.parametrize(
    "body",
    ["", "<no", "<Other/>", "<CompleteMultipartUpload/>",
     "<CompleteMultipartUpload><Part><PartNumber>x</PartNumber></Part></CompleteMultipartUpload>",
     "<CompleteMultipartUpload><Thing/></CompleteMultipartUpload>",
     '<!DOCTYPE a [<!ENTITY b "c">]><CompleteMultipartUpload>&b;</CompleteMultipartUpload>'],
)  # fmt: skip
def test_lists_of_parts_that_are_none(api: Api, body: str) -> None:
    response = api("POST", "/bucket/o", body, query=f"uploadId={begin(api)}")
    assert error(response) == (400, "MalformedXML")


def test_others_do_not_see_uploads(api: Api, people: Any) -> None:
    upload = begin(api)
    account = texts(api("GET", "/bucket", query="uploads="), "Upload/Owner/ID")[0]
    bob, path = key_of(people.bob), f"/{account}/bucket/o"
    for response in (
        put(bob, upload, 1, b"data", path), complete(bob, upload, (1, "x"), path=path),
        bob("DELETE", path, query=f"uploadId={upload}"), bob("GET", path, query=f"uploadId={upload}"),
        bob("GET", f"/{account}/bucket", query="uploads="),
    ):  # fmt: skip
        assert error(response) == (403, "AccessDenied")


def test_what_quota_does_not_allow_is_refused(api: Api) -> None:
    from synnefo.astakos.quotas.models import Holding

    upload = begin(api)
    first = put(api, upload, 1, b"12345678")
    Holding.objects.filter(resource="pithos.diskspace").update(limit=10)
    assert error(put(api, upload, 2, b"345")) == (403, "QuotaExceeded")
    assert put(api, upload, 2, b"9").status_code == 200
    assert complete(api, upload, (1, first["ETag"])).status_code == 200
