"""Questions that come at the same time wait a moment for each other, and are answered together.

Whatever answers questions one by one (a database above all) does so for many at once at hardly more than the
price of one. As many are waited for as there were the last time, though hardly longer than it took to answer
those: who waits in vain has lost no more than an answer of his own would have cost. So who asks alone is
answered at once, and the more ask at the same time, the more share one answer's costs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

_MOST = 32
_THREADS = 16
#: Between so long and so long those who are here wait for those who are expected.
_LEAST_S, _LONGEST_S = 0.001, 0.01
#: Who takes longer than this does not keep others waiting any more: they get a thread of their own.
_PATIENCE_S = 0.05

Waiting = list[tuple[Q, asyncio.Future[A]]]


class Moment(Generic[Q, A]):
    """``answer`` is called in the loop, with one or more questions; it returns as many answers."""

    def __init__(self, answer: Callable[[Sequence[Q]], Sequence[A]]) -> None:
        self._answer = answer
        self._waiting: Waiting[Q, A] = []
        self._expected = 1
        self._linger_s = _LEAST_S
        self._begins: asyncio.Handle | None = None
        self._is_busy = False

    def ask(self, question: Q) -> asyncio.Future[A]:
        """Raises what ``answer`` does: to all that were asked together."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        self._look()
        return future

    def _look(self) -> None:
        """Begin now or soon if there is anything to do."""
        if self._is_busy or not self._waiting:
            return
        loop = asyncio.get_running_loop()
        if len(self._waiting) >= self._expected:
            if self._begins is not None:
                self._begins.cancel()
            self._is_busy = True
            self._begins = loop.call_soon(self._work)  # behind those whose questions the loop has already
        elif self._begins is None:
            self._begins = loop.call_later(self._linger_s, self._work)

    def _batch(self) -> Waiting[Q, A]:
        self._is_busy, self._begins = True, None
        batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        return batch

    def _work(self) -> None:
        batch, began = self._batch(), time.monotonic()
        try:
            answers = self._answer([question for question, _ in batch])
        except Exception as error:  # it is for those who have asked
            _fail(batch, error)
        else:
            _tell(batch, answers)
        self._done(len(batch), began)

    def _done(self, count: int, began: float) -> None:
        """Whoever has been answered may ask again, beside those who have asked meanwhile."""
        self._linger_s = min(max(_LEAST_S, time.monotonic() - began), _LONGEST_S)
        self._is_busy, self._expected = False, min(count + len(self._waiting), _MOST)
        self._look()


class Gathering(Moment[Q, A]):
    """The same in threads: others ask while an answer is being found."""

    def __init__(self, answer: Callable[[Sequence[Q]], Sequence[A]]) -> None:
        super().__init__(answer)
        self._pool = ThreadPoolExecutor(_THREADS)
        self._turn = 0

    def _work(self) -> None:
        loop = asyncio.get_running_loop()
        batch, began = self._batch(), time.monotonic()
        self._turn += 1
        turn = self._turn
        patience = loop.call_later(_PATIENCE_S, self._next, turn, 0, began)

        def done(task: asyncio.Future[Sequence[A]]) -> None:
            patience.cancel()
            self._next(turn, len(batch), began)
            if error := task.exception():
                _fail(batch, error)
            else:
                _tell(batch, task.result())

        task = loop.run_in_executor(self._pool, self._answer, [question for question, _ in batch])
        task.add_done_callback(done)

    def _next(self, turn: int, count: int, began: float) -> None:
        """Unless others work already."""
        if turn == self._turn and self._is_busy:
            self._done(count, began)


def _tell(batch: Waiting[Q, A], answers: Sequence[A]) -> None:
    """Who does not wait any more is passed over."""
    for (_, future), answer in zip(batch, answers, strict=True):
        if not future.done():
            future.set_result(answer)


def _fail(batch: Waiting[Q, A], error: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
