"""Large objects in parts (``X-Object-Manifest``), read by their owner, by others and by public links."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from synnefo.pithos.namespace.models import Container, Object, Version
from tests.pithos.conftest import Api
from tests.pithos_kit import body_of

PARTS = ("abcdef", "ghij", "", "klmnopqrst")
WHOLE = "".join(PARTS).encode()


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
def big(api: Api) -> Api:
    """``c/big`` stands for ``parts/big/0`` and so on."""
    api("PUT", "parts")
    for number, part in enumerate(PARTS):
        api.put(f"parts/big/{number}", part)
    api.put("parts/bigger", "not one of them")
    api.put("c/big", "", X_Object_Manifest="parts/big/", X_Object_Meta_A="b")
    return api


def test_a_manifest_is_all_that_it_names(big: Api) -> None:
    found = big("GET", "c/big")
    assert (found.status_code, body_of(found)) == (200, WHOLE)
    head = big("HEAD", "c/big")
    for response in (found, head):
        assert response["Content-Length"] == str(len(WHOLE))
        assert response["ETag"] == md5("".join(md5(part) for part in PARTS))
        assert response["X-Object-Manifest"] == "parts/big/"
        assert response["X-Object-Meta-A"] == "b"
    (item,) = big("GET", "c?format=json").json()
    assert item["bytes"] == 0
    assert b'"bytes": 0' in big("GET", "c/big?hashmap").content
    assert big("GET", "c/big", If_None_Match=head["ETag"]).status_code == 304
    assert big("GET", "c/big", If_Match=head["ETag"]).status_code == 200


@pytest.mark.parametrize("first", [0, 3, 6, 9, 12])
@pytest.mark.parametrize("length", [1, 4, 8])
def test_ranges_go_over_the_borders_of_parts(big: Api, first: int, length: int) -> None:
    last = first + length - 1
    found = big("GET", "c/big", Range=f"bytes={first}-{last}")
    assert (found.status_code, body_of(found)) == (206, WHOLE[first : last + 1])
    assert found["Content-Range"].endswith(f"/{len(WHOLE)}")


def test_several_ranges_and_impossible_ones(big: Api) -> None:
    found = big("GET", "c/big", Range="bytes=5-6,0-1")
    assert found.status_code == 206
    assert b"\r\n\r\nfg\r\n" in (whole := body_of(found))
    assert b"\r\n\r\nab\r\n" in whole
    assert big("GET", "c/big", Range=f"bytes={len(WHOLE)}-").status_code == 416


def test_a_manifest_in_its_own_container_counts_if_it_matches(api: Api) -> None:
    api.put("c/x1", "one")
    api.put("c/x", "self", X_Object_Manifest="c/x")
    assert api.read("c/x") == b"selfone"


@pytest.mark.parametrize("manifest", ["c", "c/", "/c/x", "/"])
def test_senseless_manifests_are_refused_when_they_are_read(api: Api, manifest: str) -> None:
    api.put("c/o", "x", X_Object_Manifest=manifest)
    assert api("HEAD", "c/o")["Content-Length"] == "1"
    assert api("GET", "c/o").status_code == 400


@pytest.mark.parametrize("manifest", ["c/nothing/", "nowhere/x"])
def test_a_manifest_of_nothing_is_empty(api: Api, manifest: str) -> None:
    api.put("c/o", "its own", X_Object_Manifest=manifest)
    assert api.read("c/o") == b""
    assert api("HEAD", "c/o")["Content-Length"] == "0"


def test_parts_that_are_over_are_left_out(big: Api) -> None:
    Version.objects.filter(object__name="big/0").update(expires=timezone.now())
    assert big.read("c/big") == WHOLE[len(PARTS[0]) :]


def test_a_replaced_manifest_is_its_own_content_again(big: Api) -> None:
    big.put("c/big", "new")
    assert big.read("c/big") == b"new"


def test_others_read_the_parts_that_are_shared_with_them(big: Api, bob: Api) -> None:
    big("POST", "c/big?update", X_Object_Sharing=f"read={bob.account}")
    theirs = Api(bob.token, big.account)
    assert theirs.read("c/big") == b""
    for number in (0, 3):
        big("POST", f"parts/big/{number}?update", X_Object_Sharing=f"read={bob.account}")
    assert theirs.read("c/big") == PARTS[0].encode() + PARTS[3].encode()


def test_nobody_reads_more_by_writing_a_manifest(big: Api, bob: Api) -> None:
    """Who may write one object of another's cannot make it stand for what he may not read."""
    big.put("c/open", "x", X_Object_Sharing=f"write={bob.account}")
    theirs = Api(bob.token, big.account)
    assert theirs("PUT", "c/open", b"", "text/plain", X_Object_Manifest="parts/big/").status_code == 201
    assert theirs.read("c/open") == b""
    assert theirs("POST", "c/open?update", X_Object_Public="true").status_code == 202
    link = big("HEAD", "c/open")["X-Object-Public"]
    assert body_of(Client().get(link)) == b""


def test_a_public_manifest_is_whole(big: Api) -> None:
    big("POST", "c/big?update", X_Object_Public="true")
    link = big("HEAD", "c/big")["X-Object-Public"]
    assert body_of(Client().get(link)) == WHOLE
    part = Client().get(link, headers={"Range": "bytes=4-7"})
    assert (part.status_code, body_of(part)) == (206, WHOLE[4:8])
    assert Client().head(link)["Content-Length"] == str(len(WHOLE))


def test_many_parts_cost_few_queries(api: Api, settings: Any) -> None:
    settings.PITHOS_INLINE_BYTES = 0
    api.put("c/one", "abcdef")
    container, row = Container.objects.get(account__name=api.account), Version.objects.get()
    paths = Object.objects.bulk_create(
        Object(container=container, name=f"many/{number:05}") for number in range(1000)
    )
    Version.objects.bulk_create(
        Version(
            object=path,
            hash=row.hash,
            map=row.map,
            size_bytes=6,
            checksum=row.checksum,
            modified_by=api.account,
        )
        for path in paths
    )
    api.put("c/big", "", X_Object_Manifest="c/many/")
    with CaptureQueriesContext(connection) as queries:
        assert api.read("c/big") == b"abcdef" * 1000
    assert len(queries) < 30
    with CaptureQueriesContext(connection) as queries:
        assert api.read("c/big", Range="bytes=5993-5998") == b"fabcde"
    assert len(queries) < 12


# --- large objects of Swift ------------------------------------------------------------------------------


@pytest.fixture
def swift_large(big: Api) -> Api:
    """``c/large``, put together by Swift's face of the first two parts."""
    segments = [
        {"path": f"/parts/big/{number}", "etag": md5(PARTS[number]), "size_bytes": len(PARTS[number])}
        for number in (0, 1)
    ]
    url = f"/pithos/object-store/swift/v1/AUTH_{big.account}/c/large?multipart-manifest=put"
    made = Client().put(
        url, json.dumps(segments), content_type="application/json", headers={"X-Auth-Token": big.token}
    )
    assert made.status_code == 201, made.content
    return big


def test_large_objects_of_swift_are_whole_here_too(swift_large: Api) -> None:
    expected = (PARTS[0] + PARTS[1]).encode()
    assert swift_large.read("c/large") == expected
    assert swift_large.read("c/large", Range="bytes=4-7") == expected[4:8]
    head = swift_large("HEAD", "c/large")
    assert head["Content-Length"] == str(len(expected))
    assert head["ETag"] == md5(md5(PARTS[0]) + md5(PARTS[1]))
    swift_large("POST", "c/large?update", X_Object_Public="true")
    link = swift_large("HEAD", "c/large")["X-Object-Public"]
    assert body_of(Client().get(link)) == expected


def test_a_part_that_is_another_by_now_is_told(swift_large: Api) -> None:
    swift_large("POST", "c/large?update", X_Object_Public="true")
    link = swift_large("HEAD", "c/large")["X-Object-Public"]
    swift_large.put("parts/big/1", "changed")
    assert swift_large("GET", "c/large").status_code == 409
    assert Client().get(link).status_code == 404
