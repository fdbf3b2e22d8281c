"""Ways beside an application for what it is asked very often.

An application answers everything, one request by one, each in a thread. What may be plain is tried on one of
these ways before; what they do not answer is the application's. They are for servers that speak ASGI; under
others the application answers all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

#: A request as ASGI has it.
Scope = Mapping[str, Any]
Q = TypeVar("Q")


class Answer(NamedTuple):
    """``content`` is all of it, or its pieces, which are made (in a thread) as the client takes them."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    content: bytes | Iterable[bytes]


class Lane(Protocol[Q]):
    """Answers many requests by one go.

    A prompt lane does so in the server's loop, which waits for it: no more than a look-up or two may be done.
    All others are asked in threads.
    """

    def asked(self, scope: Scope, body: memoryview | None) -> Q | None:
        """What a request wants, if that may be of this lane. It must not wait, nor ask anybody.

        ``body`` is all of a short one; None stands for all others, one that has not come yet among them. A
        prompt lane is never given any.
        """

    def answers(self, asked: Sequence[Q]) -> Sequence[Answer | None]:
        """An answer each; None where the application is to answer. Raises nothing."""
