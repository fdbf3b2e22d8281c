"""What tests of all faces of Pithos share: small blocks in memory, and what a response holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from synnefo.pithos.blocks import base
from synnefo.pithos.blocks.base import Blocks


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.fixture
def store(settings: Any) -> Iterator[Blocks]:
    """Blocks of four bytes, in memory; content that is shorter is in a block, too."""
    settings.PITHOS_BLOCKS = "synnefo.pithos.blocks.memory.MemoryBlocks"
    settings.PITHOS_INLINE_BYTES = 0
    settings.PITHOS_BACKEND_BLOCK_SIZE = 4
    base.blocks.cache_clear()
    yield base.blocks()
    base.blocks.cache_clear()
