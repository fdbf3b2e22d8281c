"""Small content that was read lately is there without its store; whatever else is true of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from synnefo.common.faults import ItemNotFound
from synnefo.pithos.blocks import recent
from synnefo.pithos.blocks.content import Content, keep
from synnefo.pithos.blocks.memory import MemoryBlocks

BLOCK = 128 * 1024


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[MemoryBlocks]:
    settings.PITHOS_BACKEND_BLOCK_SIZE, settings.PITHOS_RECENT_BYTES = BLOCK, 100_000
    made = MemoryBlocks()
    monkeypatch.setattr(recent, "blocks", lambda: made)
    recent._known.cache_clear()
    yield made
    recent._known.cache_clear()


def kept(store: MemoryBlocks, data: bytes) -> Content:
    return keep(store, [data], BLOCK, inline_bytes=0)


def taken(content: Content) -> bytes:
    found = recent.whole(content)
    return found if isinstance(found, bytes) else b"".join(found)


def is_known(content: Content) -> bool:
    return isinstance(recent.whole(content), bytes)


def remove(store: MemoryBlocks, content: Content) -> None:
    store.put_aside(content.packed)
    store.delete_aside(content.packed)


@pytest.mark.parametrize("data", [b"a", b"ends in\0\0", b"x" * 64 * 1024])
def test_what_was_read_whole_is_known(store: MemoryBlocks, data: bytes) -> None:
    content = kept(store, data)
    assert not is_known(content)
    assert taken(content) == data
    remove(store, content)
    assert recent.whole(content) == data


def test_content_of_one_block_is_another_one_where_its_length_differs(store: MemoryBlocks) -> None:
    short, long = kept(store, b"a"), kept(store, b"a\0\0")
    assert short.packed == long.packed
    assert [taken(one) for one in (short, long, short, long)] == [b"a", b"a\0\0"] * 2


@pytest.mark.parametrize("data", [b"", b"x" * (64 * 1024 + 1), b"y" * (BLOCK + 1)])
def test_what_is_empty_or_long_is_read_each_time(store: MemoryBlocks, data: bytes) -> None:
    content = kept(store, data)
    assert taken(content) == taken(content) == data
    assert not is_known(content)


def test_what_was_not_asked_for_lately_makes_room(store: MemoryBlocks) -> None:
    first, second, third = (kept(store, bytes([number]) * 40_000) for number in (1, 2, 3))
    for one in (first, second, first, third):
        taken(one)
    assert [is_known(one) for one in (first, second, third)] == [True, False, True]


def test_nothing_is_kept_where_nothing_may_be(store: MemoryBlocks, settings: Any) -> None:
    settings.PITHOS_RECENT_BYTES = 0
    recent._known.cache_clear()
    content = kept(store, b"a")
    assert taken(content) == b"a"
    assert not is_known(content)


def test_what_is_damaged_is_not_kept(store: MemoryBlocks, monkeypatch: pytest.MonkeyPatch) -> None:
    content = kept(store, b"right")
    with monkeypatch.context() as damage:
        damage.setattr(store, "get", lambda digest: b"wrong")
        assert taken(content) == b"wrong"
    assert taken(content) == b"right"


def test_what_is_gone_is_said_to_whoever_takes_it(store: MemoryBlocks) -> None:
    content = kept(store, b"gone")
    remove(store, content)
    with pytest.raises(ItemNotFound):
        taken(content)
