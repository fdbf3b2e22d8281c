"""The arithmetic of holdings (spec: astakos 2.9), as examples and as properties over any history."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synnefo.astakos.quotas.arithmetic import Level, NoCapacity, NoQuantity
from synnefo.common.units import INFINITE


def test_the_worked_example() -> None:
    level = Level(limit=10).issued(4)
    assert (level.usage_min, level.usage_max) == (0, 4)
    level = level.settled(4, accept=True)
    assert (level.usage_min, level.usage_max) == (4, 4)
    level = level.issued(-3)
    assert (level.usage_min, level.usage_max) == (1, 4)
    level = level.settled(-3, accept=False)
    assert (level.usage_min, level.usage_max) == (4, 4)
    with pytest.raises(NoCapacity) as refusal:
        level.issued(7)
    assert (refusal.value.limit, refusal.value.usage) == (10, 4)
    level = level.issued(7, force=True)
    assert (level.usage_min, level.usage_max) == (4, 11)
    level = level.settled(7, accept=True)
    assert (level.usage_min, level.usage_max) == (11, 11)
    assert level.issued(-1).usage_min == 10


def test_force_does_not_skip_the_release_check() -> None:
    with pytest.raises(NoQuantity) as refusal:
        Level(limit=10, usage_min=2, usage_max=5).issued(-3, force=True)
    assert (refusal.value.limit, refusal.value.usage) == (0, 2)


def test_usage_never_grows_beyond_what_the_table_can_hold() -> None:
    with pytest.raises(NoCapacity):
        Level(limit=0, usage_min=0, usage_max=INFINITE).issued(1, force=True)


quantities = st.integers(min_value=-20, max_value=20)
histories = st.lists(
    st.one_of(
        st.tuples(st.just("issue"), quantities, st.booleans()),
        st.tuples(st.just("settle"), st.integers(min_value=0, max_value=50), st.booleans()),
    ),
    max_size=60,
)


@given(limit=st.integers(min_value=0, max_value=60), history=histories)
@settings(max_examples=300)
def test_any_history_keeps_the_bounds(limit: int, history: list[tuple[str, int, bool]]) -> None:
    level, pending, sure, forced = Level(limit=limit), [], 0, False
    for what, number, flag in history:
        if what == "issue":
            try:
                level = level.issued(number, force=flag)
            except (NoCapacity, NoQuantity):
                continue
            pending.append(number)
            forced = forced or flag
        elif pending:
            quantity = pending.pop(number % len(pending))
            level = level.settled(quantity, accept=flag)
            sure += quantity if flag else 0
        imports = sum(quantity for quantity in pending if quantity > 0)
        releases = -sum(quantity for quantity in pending if quantity < 0)
        assert level.usage_min == sure - releases >= 0
        assert level.usage_max == sure + imports >= level.usage_min
        assert forced or level.usage_max <= limit
