"""Who may name which blocks in a hash map: to know a digest is not to have the content."""

from __future__ import annotations

import datetime
import hashlib
import importlib
import json
from typing import Any

import pytest
from django.apps import apps

from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.namespace import known
from synnefo.pithos.namespace.models import KnownBlock
from synnefo.pithos.upkeep import collection
from tests.pithos.cast import Cast
from tests.pithos.cast import cast as cast
from tests.pithos.conftest import Api

OCTETS = "application/octet-stream"


def digest(data: bytes) -> str:
    return hashlib.sha256(data.rstrip(b"\0")).hexdigest()


def named(api: Api, path: str, *blocks: bytes) -> Any:
    """A PUT of a hash map of these blocks."""
    body = json.dumps({"hashes": [digest(one) for one in blocks], "bytes": sum(map(len, blocks))})
    return api("PUT", f"{path}?hashmap", body, OCTETS)


def send(api: Api, data: bytes) -> int:
    status: int = api("POST", "c?update", data, OCTETS).status_code
    return status


def test_blocks_that_only_others_have_are_missing_like_those_that_nobody_has(cast: Cast) -> None:
    cast.alice.put("c/secret", b"aaaabbbb")
    there = named(cast.bob, "c/stolen", b"bbbb", b"aaaa", b"bbbb")
    assert (there.status_code, there.json()) == (409, [digest(b"bbbb"), digest(b"aaaa")])
    absent = named(cast.bob, "c/stolen", b"xxxx", b"aaaa")
    assert (absent.status_code, absent.json()) == (409, [digest(b"xxxx"), digest(b"aaaa")])
    assert cast.bob("HEAD", "c/stolen").status_code == 404


def test_permission_is_asked_for_before_blocks(cast: Cast) -> None:
    cast.put("o")
    for path in ("c/o", "c/new", "none/o"):
        response = named(cast.at("bob"), path, b"aaaa")
        assert response.status_code == 403
        assert digest(b"aaaa") not in response.content.decode()


def test_who_sends_the_missing_blocks_may_name_them(cast: Cast) -> None:
    assert named(cast.bob, "c/o", b"aaaa", b"bb").status_code == 409
    assert send(cast.bob, b"aaaa") == 202
    assert named(cast.bob, "c/o", b"aaaa", b"bb").json() == [digest(b"bb")]
    assert send(cast.bob, b"bb") == 202
    assert named(cast.bob, "c/o", b"aaaa", b"bb").status_code == 201
    assert cast.bob.read("c/o") == b"aaaabb"
    assert named(cast.carol, "c/o", b"aaaa", b"bb").status_code == 409


def test_what_an_account_has_had_stays_known_in_all_of_it(cast: Cast) -> None:
    cast.alice.put("c/o", b"aaaabbbb")
    cast.alice.put("c/o", b"cccc")
    assert cast.alice("DELETE", "c/o").status_code == 204
    assert cast.alice("PUT", "d").status_code == 201
    assert named(cast.alice, "d/o", b"bbbb", b"cccc").status_code == 201
    assert cast.alice.read("d/o") == b"bbbbcccc"


def test_holes_are_everybodys(cast: Cast) -> None:
    assert named(cast.bob, "c/o", b"\0\0\0\0", b"\0\0").status_code == 201
    assert cast.bob.read("c/o") == b"\0" * 6
    assert not KnownBlock.objects.exists()


def test_who_may_write_anothers_object_may_name_its_blocks_where_it_is(cast: Cast) -> None:
    cast.alice.put("c/o", b"aaaabbbb", X_Object_Sharing=f"write={cast.bob.account}")
    assert named(cast.at("bob"), "c/o", b"bbbb", b"aaaa", b"aaaa").status_code == 201
    assert cast.alice.read("c/o") == b"bbbbaaaaaaaa"
    assert named(cast.bob, "c/stolen", b"aaaa").status_code == 409
    assert send(cast.at("bob"), b"cccc") == 403
    assert named(cast.at("bob"), "c/o", b"cccc").status_code == 409
    assert send(cast.bob, b"cccc") == 202
    assert named(cast.at("bob"), "c/o", b"cccc").status_code == 201
    assert named(cast.alice, "c/copy", b"cccc").status_code == 201


def test_what_was_copied_is_known(cast: Cast) -> None:
    cast.alice.put("c/o", b"aaaabbbb", X_Object_Sharing=f"read={cast.bob.account}")
    copied = cast.bob("PUT", "c/o", b"", X_Copy_From="/c/o", X_Source_Account=cast.alice.account)
    assert copied.status_code == 201
    assert named(cast.bob, "c/part", b"bbbb").status_code == 201


def test_blocks_that_are_not_stored_any_more_are_missing(cast: Cast, store: Blocks) -> None:
    cast.alice.put("c/o", b"aaaabbbb")
    gone = bytes.fromhex(digest(b"aaaa"))
    store.put_aside(gone)
    store.delete_aside(gone)
    assert named(cast.alice, "c/p", b"bbbb", b"aaaa").json() == [digest(b"aaaa")]
    known.forget([gone])
    assert [bytes(one.digest).hex() for one in KnownBlock.objects.all()] == [digest(b"bbbb")]


def test_blocks_that_are_collected_are_known_no_more(cast: Cast) -> None:
    cast.alice.put("c/o", b"aaaabbbb")
    cast.alice.put("c/kept", b"bbbb")
    assert cast.alice("DELETE", "c/o?until=4000000000").status_code == 204
    for _ in range(2):
        assert KnownBlock.objects.count() == 2
        collection.forget_maps()
        for part in range(collection.PARTS):
            collection.collect(part, datetime.timedelta(hours=-1))
    assert [bytes(one.digest).hex() for one in KnownBlock.objects.all()] == [digest(b"bbbb")]


def test_a_block_is_noted_once_and_not_again_when_metadata_changes(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    cast.alice.put("c/o", b"aaaaaaaabbbb")
    assert KnownBlock.objects.count() == 2
    cast.alice.put("c/p", b"aaaa")
    assert KnownBlock.objects.count() == 2
    number = KnownBlock.objects.first().account_id  # type: ignore[union-attr]
    with django_assert_num_queries(1):
        known.note(number, [bytes([one]) * 32 for one in range(200)])
    with django_assert_num_queries(0):
        known.note(number, [])
    assert KnownBlock.objects.count() == 202


@pytest.mark.parametrize("has_map", [True, False])
def test_what_was_there_before_is_known_after_the_migration(cast: Cast, has_map: bool) -> None:
    data = b"aaaabbbbcccc" if has_map else b"aaaa"
    cast.alice.put("c/o", data)
    cast.alice.put("c/o", b"\0" * 8)
    cast.bob.put("c/o", data)
    before = set(KnownBlock.objects.values_list("account__name", "digest"))
    KnownBlock.objects.all().delete()
    migration = importlib.import_module("synnefo.pithos.migrations.0010_known_blocks")
    migration.seed(apps, None)
    assert set(KnownBlock.objects.values_list("account__name", "digest")) == before
