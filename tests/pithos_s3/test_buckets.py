"""Buckets: which there are, their names, what is in them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from synnefo.pithos.namespace.models import Container
from tests.pithos_s3.conftest import Api, encoded, error, texts, tree

pytestmark = pytest.mark.django_db


def test_buckets_are_made_listed_and_removed(api: Api) -> None:
    assert api("PUT", "/another.one")["Location"] == "/another.one"
    assert texts(api("GET", "/"), "Buckets/Bucket/Name") == ["another.one", "bucket"]
    assert api("HEAD", "/bucket")["x-amz-bucket-region"] == "us-east-1"
    assert api("DELETE", "/another.one").status_code == 204
    assert api("HEAD", "/another.one").status_code == 404
    assert error(api("DELETE", "/another.one")) == (404, "NoSuchBucket")
    assert error(api("PUT", "/bucket")) == (409, "BucketAlreadyOwnedByYou")
    api.put("/bucket/o", "x")
    assert error(api("DELETE", "/bucket")) == (409, "BucketNotEmpty")


@pytest.mark.parametrize(
    "name", ["ab", "Upper", "a_b", "-ab", "ab-", "a..b", "192.168.1.1", "xn--a", "a-s3alias", "x" * 64, "ü00"]
)
def test_names_that_no_bucket_may_have(api: Api, name: str) -> None:
    assert error(api("PUT", f"/{encoded(name)}")) == (400, "InvalidBucketName")


def test_containers_that_s3_cannot_name_are_not_listed_but_found(api: Api) -> None:
    account = Container.objects.get().account
    Container.objects.create(account=account, name="Old_Photos", project=account.name)
    assert texts(api("GET", "/"), "Buckets/Bucket/Name") == ["bucket"]
    api.put("/Old_Photos/o", "x")
    assert api.read("/Old_Photos/o") == b"x"


def test_buckets_are_listed_page_by_page(api: Api) -> None:
    for number in range(4):
        api("PUT", f"/more-{number}")
    seen, query = list[str](), "max-buckets=2"
    while query:
        page = api("GET", "/", query=query)
        seen += texts(page, "Buckets/Bucket/Name")
        token = texts(page, "ContinuationToken")
        query = f"max-buckets=2&continuation-token={quote(token[0], safe='')}" if token else ""
    assert seen == ["bucket", "more-0", "more-1", "more-2", "more-3"]
    assert texts(api("GET", "/", query="prefix=more"), "Buckets/Bucket/Name") == seen[1:]
    for bad in ("max-buckets=x", "max-buckets=0", "continuation-token=%21"):
        assert error(api("GET", "/", query=bad)) == (400, "InvalidArgument")


def test_where_buckets_are(api: Api, settings: Any) -> None:
    assert tree(api("GET", "/bucket", query="location")).text is None
    settings.PITHOS_S3_REGION = "naxos"
    assert tree(api("GET", "/bucket", query="location")).text == "naxos"
    wish = (
        "<CreateBucketConfiguration><LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>"
    )
    assert api("PUT", "/other", wish.format("naxos")).status_code == 200
    assert error(api("PUT", "/third", wish.format("paros"))) == (400, "InvalidLocationConstraint")
    assert error(api("PUT", "/third", "<a>")) == (400, "MalformedXML")


KEYS = ["a", "b/1", "b/2", "b/c/3", "d", "e/", "ü&<>"]


@pytest.fixture
def filled(api: Api) -> Api:
    for key in KEYS:
        api.put(f"/bucket/{encoded(key)}", key)
    return api


def names(response: Any) -> list[str]:
    return sorted([*keys(response)[0], *keys(response)[1]])


def keys(response: Any) -> tuple[list[str], list[str]]:
    assert response.status_code == 200, response.content
    return texts(response, "Contents/Key"), texts(response, "CommonPrefixes/Prefix")


@pytest.mark.parametrize("version", ["", "list-type=2"])
def test_lists_roll_up_at_a_delimiter(filled: Api, version: str) -> None:
    def asked(query: str) -> tuple[list[str], list[str]]:
        query = "&".join(filter(None, (version, query)))
        return keys(filled("GET", "/bucket", query=query))

    assert asked("") == (KEYS, [])
    assert asked("delimiter=%2F") == (["a", "d", "ü&<>"], ["b/", "e/"])
    assert asked("delimiter=%2F&prefix=b%2F") == (["b/1", "b/2"], ["b/c/"])
    assert asked("prefix=b") == (["b/1", "b/2", "b/c/3"], [])
    assert asked("prefix=none") == ([], [])
    assert asked("delimiter=%2Fc%2F") == (["a", "b/1", "b/2", "d", "e/", "ü&<>"], ["b/c/"])
    assert asked("max-keys=0") == ([], [])


def test_pages_of_the_first_list(filled: Api) -> None:
    seen, marker = list[str](), ""
    for _ in KEYS:
        page = filled("GET", "/bucket", query=f"delimiter=%2F&max-keys=2&marker={quote(marker, safe='')}")
        seen += names(page)
        if texts(page, "IsTruncated") == ["false"]:
            break
        (marker,) = texts(page, "NextMarker")
    assert seen == ["a", "b/", "d", "e/", "ü&<>"]
    assert texts(filled("GET", "/bucket", query="max-keys=2"), "NextMarker") == []
    assert texts(filled("GET", "/bucket"), "Contents/Owner/DisplayName")[0] == "alice@example.org"


def test_pages_of_the_second_list(filled: Api) -> None:
    start = "list-type=2&max-keys=2&delimiter=%2F"
    seen, query = list[str](), start
    while query:
        page = filled("GET", "/bucket", query=query)
        seen += names(page)
        assert len(names(page)) == int(texts(page, "KeyCount")[0]) <= 2
        token = texts(page, "NextContinuationToken")
        last = (
            f"list-type=2&max-keys=2&delimiter=%2F&continuation-token={quote(token[0], safe='')}"
            if token
            else ""
        )
        query = last
    assert seen == ["a", "b/", "d", "e/", "ü&<>"]
    assert keys(filled("GET", "/bucket", query="list-type=2&start-after=b%2F2"))[0] == KEYS[3:]
    assert texts(filled("GET", "/bucket", query="list-type=2"), "Contents/Owner/ID") == []
    assert (
        len(texts(filled("GET", "/bucket", query="list-type=2&fetch-owner=true"), "Contents/Owner/ID")) == 7
    )


def test_keys_in_lists_may_be_encoded(filled: Api) -> None:
    page = filled("GET", "/bucket", query="encoding-type=url&prefix=%C3%BC&delimiter=%20")
    assert keys(page)[0] == ["%C3%BC%26%3C%3E"]
    assert (texts(page, "Prefix"), texts(page, "Delimiter")) == (["%C3%BC"], ["%20"])
    assert error(filled("GET", "/bucket", query="encoding-type=hex")) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    "query", ["max-keys=-1", "max-keys=a", "list-type=3", "list-type=2&continuation-token=%21", "prefix=%00"]
)
def test_lists_that_cannot_be(api: Api, query: str) -> None:
    assert error(api("GET", "/bucket", query=query)) == (400, "InvalidArgument")


def test_lists_tell_what_objects_are(filled: Api) -> None:
    first = tree(filled("GET", "/bucket")).findall("Contents")[0]
    told = {child.tag: child.text for child in first}
    assert told["ETag"] == '"0cc175b9c0f1b6a831c399e269772661"'
    assert (told["Size"], told["StorageClass"]) == ("1", "STANDARD")
    assert told["LastModified"].endswith("Z")


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("policy", "NoSuchBucketPolicy"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("ownershipControls", "OwnershipControlsNotFoundError"),
    ],
)
def test_configurations_that_no_bucket_has(api: Api, word: str, code: str) -> None:
    assert error(api("GET", "/bucket", query=word)) == (404, code)
    assert error(api("PUT", "/bucket", "<a/>", query=word)) == (501, "NotImplemented")
    assert api("DELETE", "/bucket", query=word).status_code == 204
    assert error(api("GET", "/nowhere", query=word)) == (404, "NoSuchBucket")


@pytest.mark.parametrize("word", ["logging", "notification", "requestPayment", "accelerate"])
def test_configurations_that_are_empty(api: Api, word: str) -> None:
    assert api("GET", "/bucket", query=word).status_code == 200
    assert error(api("PUT", "/bucket", "<a/>", query=word)) == (501, "NotImplemented")


def test_operations_that_are_not_there(api: Api) -> None:
    assert error(api("GET", "/bucket", query="inventory")) == (501, "NotImplemented")
    assert error(api("POST", "/bucket/o", query="restore")) == (501, "NotImplemented")
    refused = api("POST", "/bucket/o")
    assert error(refused) == (405, "MethodNotAllowed")
    assert refused["Allow"] == "DELETE, GET, HEAD, PUT"
    assert error(api("DELETE", "/")) == (405, "MethodNotAllowed")
