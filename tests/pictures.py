"""What many tests begin with is made once in a process; later tests are given the same rows again.

Making people and their projects by the rules takes many times longer than writing their rows. A picture
is what making something added to the database; only for fixtures, never for what a test is about.
"""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from django.apps import apps
from django.core.management.color import no_style
from django.db import IntegrityError, connection, transaction

from synnefo.cyclades.backends.memory_room import MemoryEngine

T = TypeVar("T")
Rows = dict[str, tuple[tuple[Any, ...], ...]]
_ENGINE = ("instances", "disks", "snapshots", "networks", "routers", "fences")
FRESH_S = 1200.0  # what is older is made anew: tokens end after an hour


@dataclasses.dataclass(frozen=True)
class Picture:
    """What was made: rows by table, and what its maker returned."""

    rows: Rows
    made: Any
    taken_at: float


_pictures: dict[str, Picture] = {}


def again(name: str, make: Callable[[], T]) -> T:
    """What ``make`` returns, with what it wrote; made at the first time, put back later.

    What it returns must mean the same in every test: names, no objects of the database.
    """
    known = _pictures.get(name)
    if known is not None and time.monotonic() - known.taken_at < FRESH_S and _put_back(known.rows):
        made: T = known.made
        return made
    before = rows_of(_tables())
    made = make()
    added = {table: rows for table, rows in rows_of(_tables()).items() if rows != before[table]}
    if all(rows[: len(before[table])] == before[table] for table, rows in added.items()):
        new = {table: rows[len(before[table]) :] for table, rows in added.items()}
        _pictures[name] = Picture(new, made, time.monotonic())
    return made


def again_with_engine(name: str, engine: MemoryEngine, make: Callable[[], T]) -> T:
    """The same of what is on an engine, too. Nothing may be under way there."""

    def on_both() -> tuple[T, dict[str, Any]]:
        made = make()
        return made, copy.deepcopy({part: getattr(engine, part) for part in _ENGINE})

    made, there = again(name, on_both)
    for part, things in copy.deepcopy(there).items():
        setattr(engine, part, things)
    return made


def tables_of(*labels: str) -> list[str]:
    """The tables of some apps, but for the one that says when tokens were used last."""
    models = [model for label in labels for model in apps.get_app_config(label).get_models()]
    return [model._meta.db_table for model in models if model.__name__ != "Token"]


def rows_of(tables: Iterable[str]) -> Rows:
    """All rows of tables, the oldest first."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY 1")
            found[table] = tuple(map(tuple, cursor.fetchall()))
    return found


def _tables() -> list[str]:
    return connection.introspection.django_table_names(only_existing=True)


def _put_back(rows: Rows) -> bool:
    """Write rows; False, and nothing is written, where others have their keys already."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for table, lines in rows.items():
                places = ", ".join(["%s"] * len(lines[0]))
                cursor.executemany(f"INSERT INTO {connection.ops.quote_name(table)} VALUES ({places})", lines)
            _count_on(cursor, rows)
    except IntegrityError:
        return False
    return True


def _count_on(cursor: Any, tables: Collection[str]) -> None:
    """The next keys come after those that were put back: a test may have set PostgreSQL's counters."""
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.db_table in tables]
    if statements := connection.ops.sequence_reset_sql(no_style(), models):
        cursor.execute(";".join(each.rstrip(";") for each in statements))
