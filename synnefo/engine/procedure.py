"""How an operation is written down: steps in order, each beside its undo.

A procedure is made anew for every claim from its row; it keeps nothing in memory. A step runs outside
any transaction, may be repeated after a crash at any point, and therefore looks before it acts. It ends
with a move: ``next`` (the following step), ``again`` (the same step later) or ``done``.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from synnefo.engine.models import Operation


@dataclasses.dataclass(frozen=True)
class Next:
    """Go on with the step that is declared after this one, or finish after the last."""


@dataclasses.dataclass(frozen=True)
class Again:
    """Run this step again after a while."""

    after_s: float


@dataclasses.dataclass(frozen=True)
class Done:
    """The operation succeeded; nothing is left to do."""


Move = Next | Again | Done


class StepFailed(Exception):
    """The step cannot succeed; what was done is undone and the message is kept with the operation."""


class LeaseLost(Exception):
    """Somebody else works on this operation now; this worker stops and writes nothing."""


class Verdict(enum.Enum):
    """What an exception out of a step means."""

    RETRY = "retry"
    FAIL = "fail"
    STOP = "stop"


@dataclasses.dataclass(frozen=True)
class Step:
    """A declared step. ``undo`` names the method that takes it back, None where there is nothing to."""

    name: str
    undo: str | None
    because: str


F = TypeVar("F", bound=Callable[..., Move])


def step(*, undo: str | None, because: str) -> Callable[[F], F]:
    """Declare a step: how it is undone, and why that is right."""

    def mark(function: F) -> F:
        function.declared = Step(function.__name__, undo, because)  # type: ignore[attr-defined]
        return function

    return mark


class Procedure:
    """One kind of operation. Subclasses declare steps and say in ``finish`` what becomes of the targets."""

    kind: ClassVar[str]
    deadline_s: ClassVar[float] = 600.0
    steps: ClassVar[tuple[Step, ...]] = ()

    def __init_subclass__(cls) -> None:
        found = [getattr(cls, name).declared for name in _declared_order(cls)]
        cls.steps = tuple(found)
        if "kind" in vars(cls):
            REGISTRY[cls.kind] = cls

    def __init__(self, row: Operation) -> None:
        self.row = row
        self.payload: dict[str, Any] = row.payload
        self.secret: dict[str, Any] = row.secret or {}
        #: The engine's job; stored at the end of the step that sets it.
        self.job: str = row.job

    def target(self, kind: str) -> int:
        """The id of the target of a kind."""
        found: int = self.row.targets.get(kind=kind).object_id
        return found

    def finish(self, error: str) -> None:
        """Write what became of the targets; runs in the finishing transaction. No error, no text."""
        raise NotImplementedError

    def accepts_commission(self, error: str) -> bool:
        """Whether the charge stands. By default it does if the operation succeeded."""
        return not error

    def classify(self, error: Exception) -> Verdict:
        """What an exception means; one that nobody foresaw is tried again until the deadline."""
        return Verdict.FAIL if isinstance(error, StepFailed) else Verdict.RETRY

    # -- moves ------------------------------------------------------------------------------------
    def next(self) -> Move:
        return Next()

    def again(self, after_s: float) -> Move:
        return Again(after_s)

    def done(self) -> Move:
        return Done()


REGISTRY: dict[str, type[Procedure]] = {}


def _declared_order(cls: type[Procedure]) -> list[str]:
    """Names of the steps as they stand in the source, bases first."""
    names: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if hasattr(value, "declared"):
                names[name] = None
    return list(names)
