"""Lanes: ways beside an application for what it is asked very often, many requests at a time.

An application answers everything, one request by one. A lane takes those that it knows all about, and what
it does not answer is the application's. This is for servers that speak ASGI; under others there are no lanes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

#: A request as ASGI has it.
Scope = Mapping[str, Any]
Q = TypeVar("Q")


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """``content`` is all of it, or its pieces, which are made (in a thread) as the client takes them."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    content: bytes | Iterable[bytes]


class Lane(Protocol[Q]):
    def asked(self, scope: Scope, body: memoryview | None) -> Q | None:
        """What a request wants, if that may be of this lane. It must not wait, nor ask anybody.

        ``body`` is all of a short one; None stands for all others, one that has not come yet among them.
        """

    def answers(self, asked: Sequence[Q]) -> Sequence[Answer | None]:
        """An answer each; None where the application is to answer. Raises nothing."""
