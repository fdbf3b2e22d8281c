"""What many tests begin with is made once in a process; later tests are given the same rows again.

Making people and their projects by the rules takes many times longer than writing their rows. A picture
is what making something added to the database; only for fixtures, never for what a test is about.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.apps import apps
from django.db import IntegrityError, connection, transaction

from synnefo.cyclades.backends.memory_room import MemoryEngine

T = TypeVar("T")
Lines = tuple[tuple[Any, ...], ...]
Rows = dict[str, Lines]
_ENGINE = ("instances", "disks", "snapshots", "networks", "routers", "fences")


@dataclasses.dataclass(frozen=True)
class Picture:
    """What was made: rows by table, and what its maker returned.

    ``changed`` are tables where rows that were there before changed, too: as they were, and all rows since.
    ``counters`` are those that keys are counted by: some rows went again, and others know their keys.
    """

    added: Rows
    changed: dict[str, tuple[Lines, Lines]]
    counters: dict[str, int]
    made: Any


_pictures: dict[str, Picture] = {}


def again(name: str, make: Callable[[], T]) -> T:
    """What ``make`` returns, with what it wrote; made at the first time, put back later.

    What it returns must mean the same in every test: names, no objects of the database. The first picture
    stays, for others refer to its rows; where it does not fit what is wanted is made without one.
    """
    known = _pictures.get(name)
    if known is not None:
        made: T = known.made if _put_back(known) else make()
        return made
    before = rows_of(_tables())
    made = make()
    added, changed = {}, {}
    for table, after in rows_of(_tables()).items():
        old = before[table]
        if after[: len(old)] != old:
            changed[table] = (old, after)
        elif after != old:
            added[table] = after[len(old) :]
    _pictures[name] = Picture(added, changed, _counters(), made)
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


def _put_back(picture: Picture) -> bool:
    """Write rows; False, and nothing is written, if keys are taken or what changed was other before."""
    if rows_of(picture.changed) != {table: old for table, (old, _) in picture.changed.items()}:
        return False
    now = {table: lines for table, (_, lines) in picture.changed.items()}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for table in now:
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
            for table, lines in {**now, **picture.added}.items():
                places = ", ".join(["%s"] * len(lines[0]))
                cursor.executemany(f"INSERT INTO {connection.ops.quote_name(table)} VALUES ({places})", lines)
        _count_on(picture.counters)
    except IntegrityError:
        return False
    return True


def _counters() -> dict[str, int]:
    """The last key of each table, or each sequence."""
    sql = "SELECT name, seq FROM sqlite_sequence"
    if connection.vendor == "postgresql":
        sql = "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return dict(cursor.fetchall())


def _count_on(counters: dict[str, int]) -> None:
    """The next keys are none of those that were given out then."""
    now = _counters()
    with connection.cursor() as cursor:
        for name, value in counters.items():
            if now.get(name, 0) >= value:
                continue
            if connection.vendor == "postgresql":
                cursor.execute("SELECT setval(%s, %s)", [connection.ops.quote_name(name), value])
            elif name in now:
                cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [value, name])
            else:
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [name, value])
