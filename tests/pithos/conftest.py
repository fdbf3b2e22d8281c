"""What the tests of Pithos share."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest


@pytest.fixture
def peak_bytes() -> Callable[..., int]:
    """How much memory a call takes at its worst."""

    def measure(call: Callable[[], object]) -> int:
        tracemalloc.start()
        try:
            call()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measure
