"""Queries compiled once: for the hottest ones Django's compiler costs ten times the query itself."""

from __future__ import annotations

import dataclasses
import functools
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import IntegrityError, connection
from django.db.models import F, Field, Model, QuerySet, Subquery
from django.db.models.query import get_related_populators

Row = tuple[Any, ...]


class _ListField(Field):
    """PostgreSQL says a list as such, SQLite as JSON."""

    def from_db_value(self, value: Any, *_: object) -> list[Any]:
        found: list[Any] = json.loads(value) if isinstance(value, str) else value
        return found


class ListOf(Subquery):
    """One column of all rows of a query as a list, in no order: what else would be a query of its own."""

    output_field = _ListField()
    template = "ARRAY(%(subquery)s)"

    def __init__(self, rows: QuerySet[Any, Any], column: str) -> None:
        super().__init__(rows.order_by().values(listed=F(column)))

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "(SELECT json_group_array(listed) FROM (%(subquery)s))"
        return self.as_sql(compiler, connection, template=template, **more)


M = TypeVar("M", bound=Model)


@dataclasses.dataclass(frozen=True)
class _Compiled:
    """``places``: which parameter is which argument. ``model``, ``fields`` and ``related`` make objects."""

    sql: str
    template: list[Any]
    places: list[tuple[int, int]]
    converters: list[tuple[int, list[Any], Any]]
    model: type[Model] = Model
    fields: tuple[int, int, list[str]] = (0, 0, [])
    related: tuple[Any, ...] = ()


class Prepared:
    """A ``values_list`` query whose SQL is kept; calls differ in their arguments only.

    ``build`` makes the queryset from as many arguments as the call will get. It is called once, with the
    ``examples``: values that occur nowhere else in the query.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], *examples: object) -> None:
        self._build = build
        self._examples = examples
        self._guard = threading.Lock()
        self._kept: _Compiled | None = None

    def __call__(self, *values: object) -> list[Row]:
        return self._rows(self._compiled(), values)

    def _rows(self, compiled: _Compiled, values: tuple[object, ...]) -> list[Row]:
        params = list(compiled.template)
        for place, number in compiled.places:
            params[place] = values[number]
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, params)
            rows: list[Row] = cursor.fetchall()
        converters = compiled.converters
        return [_converted(row, converters) for row in rows] if converters else rows

    def _compiled(self) -> _Compiled:
        if self._kept is None:
            with self._guard:
                self._kept = self._compile()
        return self._kept

    def _compile(self) -> _Compiled:
        compiler = self._build(*self._examples).query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        places = [
            (place, self._examples.index(value))
            for place, value in enumerate(params)
            if value in self._examples
        ]
        if {number for _, number in places} != set(range(len(self._examples))):
            raise ValueError("an example value is missing in the compiled query")
        expressions = [column[0] for column in compiler.select]
        converters = [(number, *found) for number, found in compiler.get_converters(expressions).items()]
        made = _Compiled(sql, list(params), places, converters)
        info = compiler.klass_info
        if info is None:
            return made
        columns = info["select_fields"]
        names = [compiler.select[column][0].target.attname for column in columns]
        # The type hints are of a later Django.
        related = get_related_populators(info, compiler.select, connection.alias)  # type: ignore[call-arg]
        fields = columns[0], columns[-1] + 1, names
        return dataclasses.replace(made, model=info["model"], fields=fields, related=tuple(related))


class PreparedModels(Prepared, Generic[M]):
    """The same for a query of objects, which may take along others by ``select_related``."""

    def __init__(self, build: Callable[..., QuerySet[M]], *examples: object) -> None:
        super().__init__(build, *examples)

    def objects(self, *values: object) -> list[M]:
        compiled = self._compiled()
        return [_made(compiled, row) for row in self._rows(compiled, values)]

    def first(self, *values: object) -> M | None:
        """The first object; the query should not have many."""
        return next(iter(self.objects(*values)), None)


class PreparedInsert:
    """An INSERT of rows of a model, with values for these fields; others must have none to store."""

    def __init__(self, model: type[Model], *names: str) -> None:
        self._model = model
        self._names = names
        self._sql = functools.cache(self._sql_of)

    def __call__(self, *values: object) -> int:
        """Returns the number of the one row."""
        return self.many([values])[0]

    def many(self, rows: Sequence[Sequence[object]]) -> list[int]:
        """Returns the rows' numbers."""
        return self._run(self._sql(len(rows)), [value for row in rows for value in self._stored(row)])

    def _stored(self, row: Sequence[object]) -> list[Any]:
        given = zip(self._fields, row, strict=True)
        return [field.get_db_prep_save(value, connection) for field, value in given]

    @staticmethod
    def _run(sql: str, params: Sequence[Any]) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return [int(number) for (number,) in cursor.fetchall()]

    @functools.cached_property
    def _fields(self) -> list[Any]:
        return [self._model._meta.get_field(name) for name in self._names]

    def _sql_of(self, count: int) -> str:
        quoted, meta = connection.ops.quote_name, self._model._meta
        columns = ", ".join(quoted(field.column) for field in self._fields)
        row = f"({', '.join(['%s'] * len(self._fields))})"
        rows = ", ".join([row] * count)
        return (
            f"INSERT INTO {quoted(meta.db_table)} ({columns}) VALUES {rows}"  # noqa: S608
            f"{self._conflict()} RETURNING {quoted(meta.pk.attname)}"
        )

    def _conflict(self) -> str:
        return ""


class PreparedUpsert(PreparedInsert):
    """The same for one row of which there is but one; one that is there already is taken as it is, unlocked.

    The first ``unique`` fields tell which one it is.
    """

    def __init__(self, model: type[Model], *names: str, unique: int) -> None:
        super().__init__(model, *names)
        self._unique = unique

    def __call__(self, *values: object) -> int:
        """Returns the row's number. Raises IntegrityError if it is removed at this very moment."""
        params = self._stored(values)
        found = self._run(self._sql(1), params) or self._run(self._select, params[: self._unique])
        if not found:
            raise IntegrityError(f"a row of {self._model.__name__} has vanished")
        return found[0]

    @functools.cached_property
    def _keys(self) -> list[str]:
        return [connection.ops.quote_name(field.column) for field in self._fields[: self._unique]]

    @functools.cached_property
    def _select(self) -> str:
        quoted, meta = connection.ops.quote_name, self._model._meta
        same = " AND ".join(f"{key} = %s" for key in self._keys)
        return f"SELECT {quoted(meta.pk.attname)} FROM {quoted(meta.db_table)} WHERE {same}"  # noqa: S608

    def _conflict(self) -> str:
        return f" ON CONFLICT ({', '.join(self._keys)}) DO NOTHING"


def _made(compiled: _Compiled, row: Row) -> Any:
    start, stop, names = compiled.fields
    made = compiled.model.from_db(connection.alias, names, row[start:stop])
    for populator in compiled.related:
        populator.populate(row, made)
    return made


def _converted(row: Row, converters: list[tuple[int, list[Any], Any]]) -> Row:
    values = list(row)
    for number, functions, expression in converters:
        for function in functions:
            values[number] = function(values[number], expression, connection)
    return tuple(values)
