"""Whatever clients send, S3 answers in its own words: never with 500, and nothing changes."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pithos_kit import body_of
from tests.pithos_s3.conftest import Api
from tests.pithos_s3.test_objects import content_md5

pytestmark = pytest.mark.django_db

SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip
WORDS = [
    "acl", "attributes", "cors", "delete", "encryption", "legal-hold", "lifecycle", "list-type", "location",
    "max-keys", "part-number-marker", "partNumber", "policy", "prefix", "delimiter", "marker", "key-marker",
    "version-id-marker", "continuation-token", "start-after", "encoding-type", "tagging", "uploadId",
    "uploads", "versionId", "versioning", "versions", "max-uploads", "max-parts", "upload-id-marker",
    "fetch-owner", "response-content-type", "response-expires",
]  # fmt: skip
TEXTS = st.text(max_size=30) | st.sampled_from(
    ["", "0", "-1", "1", "2", "null", "true", "99999999999999999999", "%", "\x00", "é", "/", "..", "a" * 2000]
)
PARAMETERS = ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders"]
METHODS = st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"])
PATHS = st.sampled_from(
    ["/", "/bucket", "/bucket/o", "/nowhere", "/nowhere/o", "/B", "/bucket/%00", "//", "/%20/a"]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "range",
            "if_match",
            "if_none_match",
            "if_modified_since",
            "content_md5",
            "content_type",
            "x_amz_acl",
            "x_amz_grant_read",
            "x_amz_copy_source",
            "x_amz_copy_source_range",
            "x_amz_metadata_directive",
            "x_amz_tagging",
            "x_amz_tagging_directive",
            "x_amz_checksum_crc32",
            "x_amz_checksum_mode",
            "x_amz_meta_a",
            "x_amz_storage_class",
            "x_amz_object_attributes",
            "origin",
            "x_amz_sdk_checksum_algorithm",
            "x_amz_trailer",
            "x_amz_bypass",
            "x_amz_mp_object_size",
        ]
    ),
    st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")), max_size=40)
    | st.sampled_from(["/bucket/o", "bytes=0-0", "bytes=-", "REPLACE", "public-read", "*", "=?utf-8?b?_?="]),
    max_size=3,
)
XML = st.text(max_size=60) | st.sampled_from(
    [
        "<a/>", "<a", "<Delete><Object><Key>o</Key><VersionId>x</VersionId></Object></Delete>",
        "<Delete><Object><Key>\x01</Key></Object></Delete>", "<!DOCTYPE a><Delete/>",
        "<VersioningConfiguration><Status/></VersioningConfiguration>",
        "<CompleteMultipartUpload><Part/></CompleteMultipartUpload>",
        "<Tagging><TagSet><Tag/></TagSet></Tagging>", "<a>" * 9000 + "</a>" * 9000,
        "<CORSConfiguration><CORSRule/></CORSConfiguration>", "<AccessControlPolicy/>",
        "<?xml version='1.0' encoding='utf-16'?><Delete/>", "<a>" * 5000,
    ]
)  # fmt: skip


def checked(response: Any, method: str) -> None:
    content = body_of(response)
    assert response.status_code < 500 or response.status_code == 501, content
    if response.status_code >= 400 and method != "HEAD":
        assert fromstring(content).findtext("Code")


@SETTINGS
@given(METHODS, PATHS, st.dictionaries(st.sampled_from(WORDS), TEXTS, max_size=3), HEADERS, XML)
def test_requests_of_any_kind(
    api: Api, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: str
) -> None:
    api("PUT", "/bucket")
    api("PUT", "/bucket/o", "content")
    data = body.encode(errors="replace")
    coded = "&".join(f"{name}={quote(text, safe='')}" for name, text in sorted(query.items()))
    headers.setdefault("content_md5", content_md5(data))
    checked(api(method, path, data, query=coded, **headers), method)


@SETTINGS
@given(
    st.sampled_from(
        ["Authorization", "X-Amz-Date", "X-Amz-Content-SHA256", "x-amz-decoded-content-length", "Date"]
    ),
    st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60)
    | st.sampled_from(
        [
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=host,Signature=x",
            "AWS4-HMAC-SHA256 Credential=/20260101/r/s3/aws4_request,SignedHeaders=host,Signature=x",
            "AWS4-HMAC-SHA256 =,=,Credential", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "99999999T999999Z",
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "UNSIGNED-PAYLOAD", "Fri, 99 Foo 0000 99:99:99 GMT",
        ]
    ),
    st.binary(max_size=60) | st.sampled_from([b"0\r\n\r\n", b"1;chunk-signature=\r\nx\r\n0\r\n", b"g\r\n"]),
)  # fmt: skip
def test_signatures_of_any_kind(api: Api, name: str, value: str, body: bytes) -> None:
    url = f"http://{api.host}/bucket/o"
    headers = {**api.signed("PUT", url, body, {}), name: value}
    checked(api.send("PUT", url, body, headers), "PUT")


@SETTINGS
@given(
    st.dictionaries(st.sampled_from(["Algorithm", "Credential", "Date", "Expires", "SignedHeaders"]), TEXTS)
)
def test_links_of_any_kind(api: Api, nobody: Api, changed: dict[str, str]) -> None:
    url = api.presigned("GET", "/bucket/o")
    for name, text in changed.items():
        head, _, tail = url.partition(f"X-Amz-{name}=")
        url = f"{head}X-Amz-{name}={quote(text, safe='')}&{tail.partition('&')[2]}"
    checked(nobody.send("GET", url, b"", {}), "GET")
