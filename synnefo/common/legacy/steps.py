"""What a step of the import is: which old rows it reads, what it makes of each, and how that is written."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from django.db.models import CharField, DateTimeField, Model

from synnefo.common.legacy.source import BATCH, Row, Source, Sql
from synnefo.common.units import INFINITE

_EXAMPLES = 20


@dataclasses.dataclass
class Report:
    """What was counted and found. ``notes``: taken over, and worth a look; ``obstacles``: cannot be."""

    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    notes: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    obstacles: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    #: How often each was found; of what was found only the first few are kept.
    found: Counter[str] = dataclasses.field(default_factory=Counter)

    def note(self, what: str, about: object = "") -> None:
        self._keep(self.notes, what, about)

    def obstacle(self, what: str, about: object = "") -> None:
        self._keep(self.obstacles, what, about)

    def _keep(self, kept: dict[str, list[str]], what: str, about: object) -> None:
        self.found[what] += 1
        examples = kept.setdefault(what, [])
        if str(about) and len(examples) < _EXAMPLES:
            examples.append(str(about))


@dataclasses.dataclass
class World:
    """What steps know of each other: the report, and what a service's own world adds."""

    report: Report


AnyWorld = TypeVar("AnyWorld", bound=World)
Made = dict[type[Model], list[Model]]


@dataclasses.dataclass(frozen=True)
class Numbered:
    """A table whose numbers are those of an old one, and go on where that one's would have."""

    model: type[Model]
    table: str
    column: str = "id"


@dataclasses.dataclass(frozen=True)
class Step(Generic[AnyWorld]):
    """A noun's old rows, in the order of their ``key``, and what becomes of each of them."""

    name: str
    sql: Callable[[Source], Sql]
    #: New rows for an old one.
    turn: Callable[[Row, AnyWorld], Iterable[Model]] = lambda row, world: ()
    numbered: tuple[Numbered, ...] = ()
    #: Instead: writes a row that may be here already.
    merge: Callable[[Row, AnyWorld], None] | None = None
    #: How new rows of a table are written, where they are not simply added.
    save: Callable[[Made], None] | None = None
    #: How many old rows are turned and written at a time.
    batch: int = BATCH

    def turned(self, rows: Sequence[Row], world: AnyWorld) -> Made:
        """The new rows, not written yet; what must be read from elsewhere for them has been read."""
        made: defaultdict[type[Model], list[Model]] = defaultdict(list)
        for row in rows if self.merge is None else ():
            for item in self.turn(row, world):
                made[type(item)].append(item)
        return made

    def write(self, rows: Sequence[Row], made: Made, world: AnyWorld) -> None:
        """In the caller's transaction."""
        if self.merge is not None:
            for row in rows:
                self.merge(row, world)
        elif self.save is not None:
            self.save(made)
        else:
            for model, items in made.items():
                with dates_as_given(model):
                    model._default_manager.bulk_create(items)

    def check(self, rows: Iterable[Row], world: AnyWorld) -> None:
        """The same without writing: counts, and finds what has no place here."""
        for row in rows:
            world.report.counts[self.name] += 1
            for item in self.turn(row, world):
                for problem in misfits(item):
                    world.report.obstacle(f"{self.name}: {problem}", row["key"])


def misfits(item: Model) -> Iterator[str]:
    """Fields whose values the table does not take."""
    for field in item._meta.concrete_fields:
        value = getattr(item, field.attname)
        if isinstance(field, CharField) and len(value or "") > (field.max_length or INFINITE):
            yield f"{field.name} is longer than {field.max_length} characters"
        elif isinstance(value, int) and abs(value) > INFINITE:
            yield f"{field.name} is out of range"
        elif value is None and not field.null and not field.primary_key:
            yield f"{field.name} is missing"


def of_table(table: str) -> Callable[[Source], Sql]:
    return lambda source: f"SELECT id AS key, * FROM {table}"  # noqa: S608  constants of ours


@contextlib.contextmanager
def dates_as_given(model: type[Model]) -> Iterator[None]:
    """Rows keep the dates that they have, where the table would put the present one."""
    fields = [field for field in model._meta.concrete_fields if isinstance(field, DateTimeField)]
    as_it_was = [(field, field.auto_now, field.auto_now_add) for field in fields]
    for field in fields:
        field.auto_now = field.auto_now_add = False
    try:
        yield
    finally:
        for field, always, once in as_it_was:
            field.auto_now, field.auto_now_add = always, once
