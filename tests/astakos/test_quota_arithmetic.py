"""The arithmetic of holdings (spec: astakos 2.9), as examples and as properties over any history."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synnefo.astakos.quotas.arithmetic import Level, NoCapacity, NoQuantity, may_append
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


@pytest.mark.parametrize(
    ("quantity", "appended", "may"),
    [(10, 0, True), (11, 0, False), (10, 690, True), (10, 691, False), (-30, 0, True), (-31, 0, False)],
)
def test_amounts_are_appended_only_far_from_limits(quantity: int, appended: int, may: bool) -> None:
    assert may_append(Level(800, 30, 30), appended - 30 * (appended > 0), quantity, writers=10) is may


def test_what_is_endless_is_always_appended() -> None:
    assert may_append(Level(INFINITE, 2**50, 2**50), 2**40, 2**30, writers=1000)


writers = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["look", "commit", "give up"]), st.integers(-40, 40)),
    max_size=80,
)


@given(limit=st.integers(0, 1000), history=writers)
@settings(max_examples=500)
def test_appending_unseen_by_each_other_keeps_the_limit(
    limit: int, history: list[tuple[int, str, int]]
) -> None:
    """Four writers look, then commit in any order; nobody sees what is not committed."""
    committed, open_amounts = 0, dict[int, int]()
    for writer, what, quantity in history:
        if what == "look" and writer not in open_amounts:
            held = quantity >= 0 or committed + quantity + sum(min(0, a) for a in open_amounts.values()) >= 0
            if held and may_append(Level(limit), committed, quantity, writers=4):
                open_amounts[writer] = quantity
        elif what != "look" and writer in open_amounts:
            amount = open_amounts.pop(writer)
            committed += amount if what == "commit" else 0
        assert 0 <= committed <= limit
        assert committed + sum(max(0, amount) for amount in open_amounts.values()) <= limit
