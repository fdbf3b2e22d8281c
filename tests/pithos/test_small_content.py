"""Very small content stands in the row that names it, and in no block, however it is read or changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synnefo.pithos.blocks import base
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.filesystem import FilesystemBlocks
from synnefo.pithos.namespace.models import Version
from tests.conftest import People
from tests.pithos.conftest import Api

pytestmark = pytest.mark.django_db

OCTETS = "application/octet-stream"


@pytest.fixture
def store(settings: Any, tmp_path: Path) -> Iterator[Blocks]:
    """Blocks of 16 bytes in files; up to 8 bytes stand in rows."""
    settings.PITHOS_BLOCKS = "synnefo.pithos.blocks.filesystem.FilesystemBlocks"
    settings.PITHOS_BACKEND_BLOCK_PATH = str(tmp_path)
    settings.PITHOS_BACKEND_BLOCK_SIZE, settings.PITHOS_INLINE_BYTES = 16, 8
    base.blocks.cache_clear()
    yield base.blocks()
    base.blocks.cache_clear()


def in_blocks(store: Blocks) -> set[str]:
    assert isinstance(store, FilesystemBlocks)
    return {digest.hex() for part in range(256) for digest, _ in store.stored(part)}


def test_it_comes_back_whole_and_in_parts_without_any_block(api: Api, store: Blocks) -> None:
    api.put("c/o", b"small\0")
    assert api.read("c/o") == b"small\0"
    assert api.read("c/o", Range="bytes=1-3") == b"mal"
    head = api("HEAD", "c/o")
    assert head["Content-Length"] == "6"
    assert head["ETag"].strip('"') == hashlib.md5(b"small\0", usedforsecurity=False).hexdigest()
    assert head["X-Object-Hash"] == hashlib.sha256(b"small").hexdigest()
    assert in_blocks(store) == set()


def test_a_version_a_copy_and_new_metadata_keep_it(api: Api, store: Blocks) -> None:
    first = api.put("c/o", b"one")["X-Object-Version"]
    api.put("c/o", b"two")
    assert api("COPY", "c/o", Destination="/c/p").status_code == 201
    assert api("POST", "c/p", X_Object_Meta_A="b").status_code == 202
    assert api("MOVE", "c/p", Destination="/c/q").status_code == 201
    assert (api.read("c/q"), api.read(f"c/o?version={first}")) == (b"two", b"one")
    assert in_blocks(store) == set()


def test_what_grows_beyond_the_limit_is_stored_in_blocks_and_stays_there(api: Api, store: Blocks) -> None:
    api.put("c/o", b"12345678")
    grown = api("POST", "c/o", b"9abcdefg", OCTETS, Content_Range="bytes 8-15/*")
    assert grown.status_code == 204, grown.content
    assert api.read("c/o") == b"123456789abcdefg"
    assert len(in_blocks(store)) == 1
    cut = api("POST", "c/o", b"X", OCTETS, Content_Range="bytes 0-0/*", X_Object_Bytes="3")
    assert cut.status_code == 204, cut.content
    assert api.read("c/o") == b"X23"


def test_what_is_changed_in_place_and_stays_small_stays_in_the_row(api: Api, store: Blocks) -> None:
    api.put("c/o", b"abcd")
    assert api("POST", "c/o", b"XY", OCTETS, Content_Range="bytes 1-2/*").status_code == 204
    assert api.read("c/o") == b"aXYd"
    assert in_blocks(store) == set()


def test_its_block_is_missing_until_a_client_has_sent_it(api: Api, store: Blocks) -> None:
    api.put("c/o", b"small")
    digest = hashlib.sha256(b"small").hexdigest()
    assert json.loads(api.read("c/o?hashmap&format=json"))["hashes"] == [digest]
    wanted = json.dumps({"bytes": 5, "hashes": [digest]})
    refused = api("PUT", "c/p?hashmap&format=json", wanted, OCTETS)
    assert (refused.status_code, refused.json()) == (409, [digest])
    sent = api("POST", "c?update&format=json", b"small", OCTETS)
    assert (sent.status_code, sent.json()) == (202, [digest])
    assert api("PUT", "c/p?hashmap&format=json", wanted, OCTETS).status_code == 201
    assert api.read("c/p") == b"small"


def test_lists_do_not_fetch_it(api: Api, store: Blocks, django_assert_max_num_queries: Any) -> None:
    api.put("c/o", b"small")
    with django_assert_max_num_queries(20) as queries:
        assert [item["bytes"] for item in api("GET", "c?format=json").json()] == [5]
    assert not [one["sql"] for one in queries.captured_queries if '"data"' in one["sql"]]


def test_an_image_holds_it_when_its_object_is_gone(people: People, store: Blocks) -> None:
    from synnefo.pithos.seam.adapter import PithosObjects

    objects, caller = PithosObjects(), people.alice.caller
    found = objects.put(caller, [b"disk"], name="tiny")
    hold = objects.hold(found)
    objects.remove(caller, found.uuid)
    Version.objects.all().delete()
    assert b"".join(objects.read(hold, 1)) == b"isk"
    assert in_blocks(store) == set()
