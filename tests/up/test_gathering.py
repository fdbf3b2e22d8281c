"""What is asked while an answer is under way waits, and is answered together."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from synnefo.up import gathering
from synnefo.up.gathering import Gathering, Moment


class Oracle:
    """Doubles numbers when it is let; ``batches`` are those that it was asked together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may = threading.Event()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        assert self.may.wait(20)
        if 0 in numbers:
            raise ValueError("nothing cannot be doubled")
        return [2 * number for number in numbers]


async def two_at_once_and_two_apart(asking: Moment[int, int], pause_s: float) -> None:
    await asyncio.gather(asking.ask(1), asking.ask(2))
    first = asking.ask(3)
    await asyncio.sleep(pause_s)
    await asyncio.gather(first, asking.ask(4))


async def until(oracle: Oracle, count: int) -> None:
    while len(oracle.batches) < count:
        await asyncio.sleep(0.001)


def test_who_comes_first_is_answered_alone_and_who_comes_meanwhile_together() -> None:
    oracle = Oracle()

    async def ask() -> list[int]:
        gathered = Gathering(oracle)
        first = gathered.ask(1)
        await until(oracle, 1)
        others = [gathered.ask(number) for number in (2, 3, 4)]
        oracle.may.set()
        return list(await asyncio.gather(first, *others))

    assert asyncio.run(ask()) == [2, 4, 6, 8]
    assert oracle.batches == [[1], [2, 3, 4]]


def test_one_go_has_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_MOST", 2)
    oracle = Oracle()

    async def ask() -> list[int]:
        gathered = Gathering(oracle)
        asked = [gathered.ask(number) for number in range(1, 7)]
        oracle.may.set()
        return list(await asyncio.gather(*asked))

    assert asyncio.run(ask()) == [2, 4, 6, 8, 10, 12]
    assert oracle.batches == [[1, 2], [3, 4], [5, 6]]


def test_who_takes_long_keeps_nobody_waiting() -> None:
    oracle = Oracle()

    async def ask() -> list[int]:
        gathered = Gathering(oracle)
        asked = [gathered.ask(1)]
        await until(oracle, 1)
        asked.append(gathered.ask(2))
        await until(oracle, 2)  # the first is not answered yet
        oracle.may.set()
        return list(await asyncio.gather(*asked))

    assert asyncio.run(ask()) == [2, 4]
    assert oracle.batches == [[1], [2]]


def test_what_goes_wrong_is_told_to_all_who_asked_together_and_to_nobody_else() -> None:
    oracle = Oracle()

    async def ask() -> list[object]:
        gathered = Gathering(oracle)
        first = gathered.ask(1)
        await until(oracle, 1)
        together = [gathered.ask(0), gathered.ask(5)]
        oracle.may.set()
        found = await asyncio.gather(first, *together, return_exceptions=True)
        return [*found, await gathered.ask(7)]

    first, *together, last = asyncio.run(ask())
    assert (first, last) == (2, 14)
    assert [type(one) for one in together] == [ValueError, ValueError]


def test_who_does_not_wait_any_more_is_passed_over() -> None:
    oracle = Oracle()

    async def ask() -> list[int]:
        gathered = Gathering(oracle)
        first = gathered.ask(1)
        await until(oracle, 1)
        left, stays = gathered.ask(2), gathered.ask(3)
        left.cancel()
        oracle.may.set()
        return [await first, await stays]

    assert asyncio.run(ask()) == [2, 6]


def test_what_comes_in_one_turn_of_the_loop_is_answered_together_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathering, "_MOST", 3)
    oracle = Oracle()
    oracle.may.set()

    async def ask() -> list[int]:
        moment = Moment(oracle)
        first = await moment.ask(1)
        return [first, *await asyncio.gather(*(moment.ask(number) for number in range(2, 7)))]

    assert asyncio.run(ask()) == [2, 4, 6, 8, 10, 12]
    assert oracle.batches == [[1], [2, 3, 4], [5, 6]]


def test_what_goes_wrong_in_the_loop_is_told_to_who_asked_and_who_has_left_is_passed_over() -> None:
    oracle = Oracle()
    oracle.may.set()

    async def ask() -> list[object]:
        moment = Moment(oracle)
        left, *together = [moment.ask(number) for number in (0, 0, 5)]
        left.cancel()
        found = await asyncio.gather(*together, return_exceptions=True)
        left, stays = moment.ask(7), moment.ask(8)
        left.cancel()
        return [*found, await stays]

    *together, last = asyncio.run(ask())
    assert last == 16
    assert [type(one) for one in together] == [ValueError, ValueError]


@pytest.mark.parametrize("way", [Moment, Gathering])
def test_as_many_are_waited_for_as_there_were_but_not_for_long(way: type[Moment[int, int]]) -> None:
    oracle = Oracle()
    oracle.may.set()

    async def ask() -> None:
        asking = way(oracle)
        await two_at_once_and_two_apart(asking, 0)
        await asking.ask(5)  # nobody else comes
        await asking.ask(6)

    asyncio.run(asyncio.wait_for(ask(), 20))
    assert oracle.batches == [[1, 2], [3, 4], [5], [6]]


@pytest.mark.parametrize("way", [Moment, Gathering])
def test_who_is_expected_is_waited_for_as_long_as_an_answer_took(
    way: type[Moment[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "_LONGEST_S", 3600)
    clock = itertools.count(step=60)  # an answer takes a minute
    monkeypatch.setattr(gathering, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    oracle = Oracle()
    oracle.may.set()

    asyncio.run(two_at_once_and_two_apart(way(oracle), 0.05))
    assert oracle.batches == [[1, 2], [3, 4]]
