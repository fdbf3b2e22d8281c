"""Questions that come while others are being answered wait a moment, and are answered together.

Whatever answers questions one by one (a database above all) does so for many at once at hardly more than the
price of one. A question that finds nothing going on is answered at once, alone; the more there are at the
same time, the more share one answer's costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

_MOST = 32
_THREADS = 16
#: Who takes longer than this does not keep others waiting any more: they get a thread of their own.
_PATIENCE_S = 0.05


class Gathering(Generic[Q, A]):
    """``answer`` is called in a thread, with one or more questions; it returns as many answers."""

    def __init__(self, answer: Callable[[Sequence[Q]], Sequence[A]]) -> None:
        self._answer = answer
        self._pool = ThreadPoolExecutor(_THREADS)
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._working = False
        self._turn = 0

    def ask(self, question: Q) -> asyncio.Future[A]:
        """Raises what ``answer`` does: to all that were asked together."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if not self._working:
            self._work()
        return future

    def _work(self) -> None:
        loop = asyncio.get_running_loop()
        batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        self._working, self._turn = True, self._turn + 1
        turn = self._turn
        patience = loop.call_later(_PATIENCE_S, self._next, turn)

        def done(task: asyncio.Future[Sequence[A]]) -> None:
            patience.cancel()
            self._next(turn)
            _settle([future for _, future in batch], task)

        task = loop.run_in_executor(self._pool, self._answer, [question for question, _ in batch])
        task.add_done_callback(done)

    def _next(self, turn: int) -> None:
        """Unless others work already."""
        if turn == self._turn and self._working:
            self._working = False
            if self._waiting:
                self._work()


def _settle(futures: Sequence[asyncio.Future[A]], task: asyncio.Future[Sequence[A]]) -> None:
    """Who does not wait any more is passed over."""
    if error := task.exception():
        for future in futures:
            if not future.done():
                future.set_exception(error)
        return
    for future, answer in zip(futures, task.result(), strict=True):
        if not future.done():
            future.set_result(answer)
