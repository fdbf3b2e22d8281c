"""Versions of objects: kept, told, removed one by one; with versioning on, suspended, or never on."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from synnefo.pithos.namespace import containers
from synnefo.pithos.namespace.models import Container, Version
from tests.conftest import People
from tests.pithos_kit import body_of
from tests.pithos_s3.conftest import Api, error, texts, tree
from tests.pithos_s3.test_objects import content_md5

pytestmark = pytest.mark.django_db

STATUS = "<VersioningConfiguration><Status>{}</Status></VersioningConfiguration>"


def switch(api: Api, status: str) -> None:
    assert api("PUT", "/bucket", STATUS.format(status), query="versioning").status_code == 200


def put(api: Api, content: str, key: str = "o") -> str:
    return str(api.put(f"/bucket/{key}", content).get("x-amz-version-id", ""))


def listed(api: Api, query: str = "") -> list[tuple[str, str, str]]:
    """(kind, id, is latest) in the order of the list."""
    root = tree(api("GET", "/bucket", query=f"versions{query}"))
    kinds = ("Version", "DeleteMarker")
    return [
        (one.tag, str(one.findtext("VersionId")), str(one.findtext("IsLatest")))
        for one in root
        if one.tag in kinds
    ]


def counts() -> tuple[int, int]:
    row = Container.objects.get()
    return row.object_count, row.size_bytes


def test_a_bucket_is_not_versioned_before_it_is_told_to(api: Api) -> None:
    assert texts(api("GET", "/bucket", query="versioning"), "Status") == []
    assert put(api, "1") == ""
    assert put(api, "2") == ""
    assert listed(api) == [("Version", "null", "true")]
    assert api.read("/bucket/o", query="versionId=null") == b"2"
    assert api("DELETE", "/bucket/o").status_code == 204
    assert listed(api) == []
    assert Version.objects.count() == 0
    assert counts() == (0, 0)


def test_versions_are_kept_and_markers_left(api: Api) -> None:
    switch(api, "Enabled")
    assert texts(api("GET", "/bucket", query="versioning"), "Status") == ["Enabled"]
    one, two = put(api, "1"), put(api, "22")
    gone = api("DELETE", "/bucket/o")
    marker = gone["x-amz-version-id"]
    assert gone["x-amz-delete-marker"] == "true"
    assert listed(api) == [
        ("DeleteMarker", marker, "true"), ("Version", two, "false"), ("Version", one, "false"),
    ]  # fmt: skip
    missing = api("GET", "/bucket/o")
    assert error(missing) == (404, "NoSuchKey")
    assert (missing["x-amz-delete-marker"], missing["x-amz-version-id"]) == ("true", marker)
    assert api.read("/bucket/o", query=f"versionId={one}") == b"1"
    assert api("HEAD", "/bucket/o", query=f"versionId={two}")["x-amz-version-id"] == two
    refused = api("GET", "/bucket/o", query=f"versionId={marker}")
    assert error(refused) == (405, "MethodNotAllowed")
    assert refused["x-amz-delete-marker"] == "true"


def test_removing_the_marker_brings_the_object_back(api: Api) -> None:
    switch(api, "Enabled")
    one, two = put(api, "1"), put(api, "22")
    marker = api("DELETE", "/bucket/o")["x-amz-version-id"]
    assert counts() == (0, 0)
    gone = api("DELETE", "/bucket/o", query=f"versionId={marker}")
    assert (gone["x-amz-version-id"], gone["x-amz-delete-marker"]) == (marker, "true")
    assert api.read("/bucket/o") == b"22"
    assert counts() == (1, 2)
    assert "x-amz-delete-marker" not in api("DELETE", "/bucket/o", query=f"versionId={two}")
    assert api.read("/bucket/o") == b"1"
    assert counts() == (1, 1)
    assert api("HEAD", "/bucket/o")["x-amz-version-id"] == one
    assert api("DELETE", "/bucket/o", query=f"versionId={one}").status_code == 204
    assert error(api("GET", "/bucket/o")) == (404, "NoSuchKey")
    assert counts() == (0, 0)
    assert listed(api) == []
    assert api("DELETE", "/bucket/o", query=f"versionId={one}").status_code == 204


def test_an_old_version_goes_and_the_others_stay(api: Api) -> None:
    switch(api, "Enabled")
    one, two, three = (put(api, text) for text in ("1", "2", "3"))
    api("DELETE", "/bucket/o", query=f"versionId={two}")
    assert [version for _, version, _ in listed(api)] == [three, one]
    assert api.read("/bucket/o") == b"3"


def test_deleting_what_is_not_there_leaves_a_marker(api: Api) -> None:
    switch(api, "Enabled")
    for _ in range(2):
        assert api("DELETE", "/bucket/o")["x-amz-delete-marker"] == "true"
    assert [kind for kind, _, _ in listed(api)] == ["DeleteMarker", "DeleteMarker"]
    assert [latest for _, _, latest in listed(api)] == ["true", "false"]


def test_when_versioning_is_suspended_old_versions_stay(api: Api) -> None:
    put(api, "0")
    switch(api, "Enabled")
    one = put(api, "1")
    assert listed(api) == [("Version", one, "true"), ("Version", "null", "false")]
    switch(api, "Suspended")
    assert texts(api("GET", "/bucket", query="versioning"), "Status") == ["Suspended"]
    assert put(api, "22") == "null"
    assert listed(api) == [("Version", "null", "true"), ("Version", one, "false")]
    assert put(api, "333") == "null"
    assert listed(api) == [("Version", "null", "true"), ("Version", one, "false")]
    assert api.read("/bucket/o", query="versionId=null") == b"333"
    gone = api("DELETE", "/bucket/o")
    assert gone["x-amz-version-id"] == "null"
    assert listed(api) == [("DeleteMarker", "null", "true"), ("Version", one, "false")]
    assert counts() == (0, 0)
    assert put(api, "4") == "null"
    assert listed(api) == [("Version", "null", "true"), ("Version", one, "false")]
    api("DELETE", "/bucket/o", query="versionId=null")
    assert listed(api) == [("Version", one, "true")]
    assert api.read("/bucket/o") == b"1"


def test_a_plain_version_that_is_named_goes_for_good(api: Api) -> None:
    put(api, "0")
    switch(api, "Enabled")
    one = put(api, "1")
    assert api("DELETE", "/bucket/o", query="versionId=null").status_code == 204
    assert listed(api) == [("Version", one, "true")]
    switch(api, "Suspended")
    switch(api, "Enabled")
    two = put(api, "2")
    assert [version for _, version, _ in listed(api)] == [two, one]


def test_a_bucket_with_old_versions_is_not_empty(api: Api) -> None:
    switch(api, "Enabled")
    one = put(api, "1")
    marker = api("DELETE", "/bucket/o")["x-amz-version-id"]
    assert error(api("DELETE", "/bucket")) == (409, "BucketNotEmpty")
    for version in (one, marker):
        api("DELETE", "/bucket/o", query=f"versionId={version}")
    assert api("DELETE", "/bucket").status_code == 204


@pytest.mark.parametrize("most", [1, 2, 3, 10])
def test_versions_are_listed_page_by_page(api: Api, most: int) -> None:
    put(api, "plain", "b")
    switch(api, "Enabled")
    for key in ("a", "b", "b", "c/1", "c/2", "d"):
        put(api, "x", key)
    api("DELETE", "/bucket/b")
    whole = listed(api)
    assert len(whole) == 8
    pages, query = list[tuple[str, str, str]](), ""
    for _ in whole:
        page = tree(api("GET", "/bucket", query=f"versions&max-keys={most}{query}"))
        pages += listed(api, f"&max-keys={most}{query}")
        if page.findtext("IsTruncated") == "false":
            break
        key, version = page.findtext("NextKeyMarker"), page.findtext("NextVersionIdMarker")
        query = f"&key-marker={quote(str(key), safe='')}&version-id-marker={version}"
    assert pages == whole


def test_lists_of_versions_roll_up(api: Api) -> None:
    switch(api, "Enabled")
    for key in ("a", "c/1", "c/1", "c/2", "d"):
        put(api, "x", key)
    page = api("GET", "/bucket", query="versions&delimiter=%2F&max-keys=2")
    assert (texts(page, "Version/Key"), texts(page, "CommonPrefixes/Prefix")) == (["a"], ["c/"])
    assert texts(page, "NextKeyMarker") == ["c/"]
    rest = api("GET", "/bucket", query="versions&delimiter=%2F&key-marker=c%2F")
    assert (texts(rest, "Version/Key"), texts(rest, "CommonPrefixes/Prefix")) == (["d"], [])
    assert error(api("GET", "/bucket", query="versions&version-id-marker=1")) == (400, "InvalidArgument")


def test_versions_are_copied_and_removed_with_others(api: Api) -> None:
    switch(api, "Enabled")
    one, _ = put(api, "1"), put(api, "2")
    made = api("PUT", "/bucket/copy", x_amz_copy_source=f"/bucket/o?versionId={one}")
    assert made["x-amz-copy-source-version-id"] == one
    assert api.read("/bucket/copy") == b"1"
    named = f"<Object><Key>o</Key><VersionId>{one}</VersionId></Object>"
    body = f"<Delete>{named}<Object><Key>o</Key></Object></Delete>"
    gone = api("POST", "/bucket", body, query="delete", content_md5=content_md5(body.encode()))
    assert texts(gone, "Deleted/VersionId") == [one]
    assert len(texts(gone, "Deleted/DeleteMarkerVersionId")) == 1
    assert error(api("GET", "/bucket/o")) == (404, "NoSuchKey")


def test_containers_of_other_faces_keep_versions_from_the_beginning(api: Api) -> None:
    account = Container.objects.get().account
    Container.objects.create(account=account, name="photos", project=account.name)
    assert texts(api("GET", "/photos", query="versioning"), "Status") == ["Enabled"]
    first = api.put("/photos/o", "1")["x-amz-version-id"]
    api.put("/photos/o", "2")
    assert api.read("/photos/o", query=f"versionId={first}") == b"1"


@pytest.mark.parametrize("body", ["", "<a/>", STATUS.format("On"), "<VersioningConfiguration/>"])
def test_settings_that_are_none(api: Api, body: str) -> None:
    assert api("PUT", "/bucket", body, query="versioning").status_code == 400


def test_conditions_count_when_versions_are_removed(api: Api) -> None:
    tag = api.put("/bucket/o", "1")["ETag"]
    assert error(api("DELETE", "/bucket/o", if_match='"x"')) == (412, "PreconditionFailed")
    assert api("DELETE", "/bucket/o", if_match=tag).status_code == 204


def test_reading_is_of_one_moment(api: Api) -> None:
    switch(api, "Enabled")
    put(api, "1")
    found: Any = api("GET", "/bucket/o")
    put(api, "2")
    assert body_of(found) == b"1"


def test_other_faces_may_switch_it_too(api: Api, people: People) -> None:
    one_of = people.alice.caller
    put(api, "0")
    switch(api, "Enabled")
    one = put(api, "1")
    for policy in ("none", "auto"):
        containers.update(
            one_of, one_of.project, "bucket", attributes={}, policy={"versioning": policy}, merge=True
        )
        put(api, policy)
    kinds = [(kind, version) for kind, version, _ in listed(api)]
    assert len(kinds) == 3
    assert kinds[1:] == [("Version", "null"), ("Version", one)]
    assert api.read("/bucket/o") == b"auto"
    assert api.read("/bucket/o", query="versionId=null") == b"none"
