"""The arithmetic of a holding, without a database: what issue, accept and reject make of its usage.

A positive quantity is an import, a negative one a release. Issue moves the one bound that the
commission may reach; accepting moves the other one after it, rejecting moves the first one back.
"""

from __future__ import annotations

import dataclasses

from synnefo.common.units import INFINITE


class OutOfRange(Exception):
    """The quantity does not fit; ``limit`` and ``usage`` say what it was measured against."""

    def __init__(self, limit: int, usage: int) -> None:
        super().__init__(f"limit {limit}, usage {usage}")
        self.limit = limit
        self.usage = usage


class NoCapacity(OutOfRange):
    """An import would go over the limit."""


class NoQuantity(OutOfRange):
    """A release is of more than is surely held."""


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    limit: int
    usage_min: int = 0
    usage_max: int = 0

    def issued(self, quantity: int, *, force: bool = False) -> Level:
        """The level with the quantity pending. ``force`` passes the limit, never the release check."""
        if quantity >= 0:
            reached = self.usage_max + quantity
            if reached > (INFINITE if force else self.limit):
                raise NoCapacity(self.limit, self.usage_max)
            return dataclasses.replace(self, usage_max=reached)
        left = self.usage_min + quantity
        if left < 0:
            raise NoQuantity(0, self.usage_min)
        return dataclasses.replace(self, usage_min=left)

    def settled(self, quantity: int, *, accept: bool) -> Level:
        """The level after a pending quantity was decided; this always succeeds."""
        moves_min = accept == (quantity >= 0)
        if moves_min:
            change = quantity if accept else -quantity
            return dataclasses.replace(self, usage_min=self.usage_min + change)
        change = quantity if accept else -quantity
        return dataclasses.replace(self, usage_max=self.usage_max + change)


#: This part of a limit is kept free for what is being appended unseen.
_UNSEEN = 8


def may_append(level: Level, appended: int, quantity: int, writers: int) -> bool:
    """Whether a quantity may be counted at once, though others do so at the same time, unseen.

    ``appended`` is the sum of deltas that are seen; ``writers`` is how many transactions there can be, this
    one included. An eighth of the limit is kept for them, and each may take its part of that: so however
    many of them there are, and whenever each looked, all together stay within the limit. What is given back
    was counted before, in a transaction that is over.
    """
    if quantity < 0:
        return level.usage_min + appended + quantity >= 0
    margin = level.limit // _UNSEEN
    return quantity * writers <= margin and level.usage_max + appended + quantity <= level.limit - margin
