"""Queries compiled once: for the hottest ones Django's compiler costs ten times the query itself."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, connections
from django.db.models import CharField, F, Field, Model, QuerySet, Subquery, TextField
from django.db.models.base import ModelState

Row = tuple[Any, ...]

_PLACE = re.compile(r"(?<!%)%s")
_TYPES = {str: "text", int: "bigint"}


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


def run(sql: str, params: Sequence[Any]) -> tuple[list[Row], int]:
    """One of the hottest statements as it is: its rows, and how many were found or changed."""
    here = connections[DEFAULT_DB_ALIAS]  # ``connection`` looks for it anew at every use
    if here.vendor == "postgresql":
        # The type hints know Django's own engine only.
        return here.run(sql, params)  # type: ignore[attr-defined,no-any-return]
    with here.cursor() as cursor:
        cursor.execute(sql, params)
        return (cursor.fetchall() if cursor.description else []), cursor.rowcount


class _Maker:
    """Makes the object of a row, with those it leads to, as Django does but for the signals.

    Django asks every field how it is set, which takes longer than the query.
    """

    def __init__(self, info: Mapping[str, Any], select: Sequence[Any]) -> None:
        columns = info["select_fields"]
        self._model: type[Model] = info["model"]
        self._columns = slice(columns[0], columns[-1] + 1)
        self._names = [column[0].target.attname for column in select[self._columns]]
        self._key = columns[0] + self._names.index(self._model._meta.pk.attname)
        self._related = [
            (_Maker(other, select), other["local_setter"], other["remote_setter"])
            for other in info.get("related_klass_infos", ())
        ]

    def __call__(self, row: Row) -> Model | None:
        """None where there is none (a join found nothing)."""
        if row[self._key] is None:
            return None
        made = self._model.__new__(self._model)
        made._state = state = ModelState()
        state.db, state.adding = DEFAULT_DB_ALIAS, False
        made.__dict__.update(zip(self._names, row[self._columns], strict=True))
        for make, lead_there, lead_back in self._related:
            other = make(row)
            lead_there(made, other)
            if other is not None:
                lead_back(other, made)
        return made


class Blank(Generic[M]):
    """Makes objects that are to be stored: with the defaults of their fields, but without signals."""

    def __init__(self, model: type[M]) -> None:
        self._model = model

    def __call__(self, **values: object) -> M:
        """``values`` are by the fields' attributes, as ``owner_id``."""
        made = self._model.__new__(self._model)
        made._state = ModelState()
        constants, makers = self._defaults
        made.__dict__.update(constants)
        made.__dict__.update(values)
        for name, make in makers:
            if name not in values:
                made.__dict__[name] = make()
        return made

    @functools.cached_property
    def _defaults(self) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
        fields = self._model._meta.concrete_fields
        made = [field for field in fields if field.has_default() and callable(field.default)]
        constants = {field.attname: field.get_default() for field in fields if field not in made}
        return constants, [(field.attname, field.default) for field in made]


@dataclasses.dataclass(frozen=True)
class _Compiled:
    """``places``: which parameter is which argument. ``make`` is there for queries of objects."""

    sql: str
    template: list[Any]
    places: list[tuple[int, int]]
    converters: list[tuple[int, list[Any], Any]]
    width: int
    make: _Maker | None = None

    def params(self, values: Sequence[object]) -> list[Any]:
        found = list(self.template)
        for place, number in self.places:
            found[place] = values[number]
        return found


class _ForEach:
    """A query of PostgreSQL's that is asked for many lists of arguments by one statement.

    The statement says how many they are (an array would not), so that its plan is found good and kept.
    OFFSET keeps the query as it is: joined with the arguments, a table may be read whole for them.
    """

    def __init__(
        self, sql: str, template: Sequence[object], places: Sequence[tuple[int, int]],
        examples: Sequence[object],
    ) -> None:  # fmt: skip
        arguments, counted = dict(places), itertools.count()

        def named(found: re.Match[str]) -> str:
            number = arguments.get(next(counted))
            return found[0] if number is None else f"asked.value{number}"

        self._types = [_TYPES[type(example)] for example in examples]
        self._constants = [value for place, value in enumerate(template) if place not in arguments]
        self._query = _PLACE.sub(named, sql)
        self._sql = functools.cache(self._sql_of)

    def __call__(self, asked: Sequence[Sequence[object]]) -> list[list[Row]]:
        found: list[list[Row]] = [[] for _ in asked]
        params = [*itertools.chain.from_iterable(asked), *self._constants]
        for place, *row in run(self._sql(len(asked)), params)[0]:
            found[place].append(tuple(row))
        return found

    def _sql_of(self, count: int) -> str:
        names = ", ".join(f"value{number}" for number in range(len(self._types)))
        values = ", ".join(f"%s::{kind}" for kind in self._types)
        rows = ", ".join(f"({place}, {values})" for place in range(count))
        return (
            f"SELECT asked.place, found.* FROM (VALUES {rows}) AS asked(place, {names}) "  # noqa: S608
            f"CROSS JOIN LATERAL ({self._query} OFFSET 0) AS found"
        )


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
        return _rows_converted(compiled, run(compiled.sql, compiled.params(values))[0])

    def _compiled(self) -> _Compiled:
        if self._kept is None:
            with self._guard:
                self._kept = self._compile()
        return self._kept

    def _compile(self) -> _Compiled:
        compiler = self._build(*self._examples).query.get_compiler(connection=connection)
        sql, params = _with_numbers(compiler.as_sql(), self._examples)
        places = [
            (place, self._examples.index(value))
            for place, value in enumerate(params)
            if value in self._examples
        ]
        if {number for _, number in places} != set(range(len(self._examples))):
            raise ValueError("an example value is missing in the compiled query")
        expressions = [column[0] for column in compiler.select]
        converters = [(number, *found) for number, found in compiler.get_converters(expressions).items()]
        return _Compiled(sql, list(params), places, converters, len(expressions), self._maker(compiler))

    def _maker(self, compiler: Any) -> _Maker | None:
        return None


class PreparedModels(Prepared, Generic[M]):
    """The same for a query of objects, which may take along others by ``select_related``."""

    def __init__(self, build: Callable[..., QuerySet[M]], *examples: object) -> None:
        super().__init__(build, *examples)

    def _maker(self, compiler: Any) -> _Maker | None:
        return _Maker(compiler.klass_info, compiler.select)

    def objects(self, *values: object) -> list[M]:
        compiled = self._compiled()
        return [_made(compiled, row) for row in self._rows(compiled, values)]

    def first(self, *values: object) -> M | None:
        """The first object; the query should not have many."""
        return next(iter(self.objects(*values)), None)

    def each(self, asked: Sequence[Sequence[object]]) -> list[M | None]:
        """The same of many calls; PostgreSQL finds them by one statement."""
        if len(asked) == 1 or connection.vendor != "postgresql":
            return [self.first(*values) for values in asked]
        compiled = self._compiled()
        found = [_rows_converted(compiled, rows) for rows in self._for_each(asked)]
        return [_made(compiled, rows[0]) if rows else None for rows in found]

    @functools.cached_property
    def _for_each(self) -> _ForEach:
        compiled = self._compiled()
        return _ForEach(compiled.sql, compiled.template, compiled.places, self._examples)


N = TypeVar("N", bound=Model)


class PreparedPair(Generic[M, N]):
    """Two queries for an object each in one statement: both, or the first alone, or (no first) nothing."""

    def __init__(self, first: PreparedModels[M], second: PreparedModels[N]) -> None:
        self._first, self._second = first, second

    def __call__(self, first: Sequence[object], second: Sequence[object]) -> tuple[M, N | None] | None:
        """Takes the arguments of each; both queries should not have many rows."""
        here, there = self._first._compiled(), self._second._compiled()
        rows, _ = run(self._sql, here.params(first) + there.params(second))
        return self._made(rows[0]) if rows else None

    def each(
        self, asked: Sequence[tuple[Sequence[object], Sequence[object]]]
    ) -> list[tuple[M, N | None] | None]:
        """The same of many calls; PostgreSQL finds them by one statement."""
        if len(asked) == 1 or connection.vendor != "postgresql":
            return [self(*both) for both in asked]
        found = self._for_each([[*first, *second] for first, second in asked])
        return [self._made(rows[0]) if rows else None for rows in found]

    def _made(self, row: Row) -> tuple[M, N | None]:
        here, there = self._first._compiled(), self._second._compiled()
        one, other = row[: here.width], row[here.width :]
        made: M = _made(here, _converted(one, here.converters))
        return made, _made(there, _converted(other, there.converters))

    @functools.cached_property
    def _sql(self) -> str:
        here, there = self._first._compiled().sql, self._second._compiled().sql
        return f"SELECT * FROM ({here}) AS here LEFT JOIN ({there}) AS there ON 1 = 1"  # noqa: S608

    @functools.cached_property
    def _for_each(self) -> _ForEach:
        here, there = self._first._compiled(), self._second._compiled()
        shift, count = len(here.template), len(self._first._examples)
        places = [*here.places, *((place + shift, number + count) for place, number in there.places)]
        examples = [*self._first._examples, *self._second._examples]
        return _ForEach(self._sql, [*here.template, *there.template], places, examples)


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
        here = connections[DEFAULT_DB_ALIAS]
        given = zip(self._fields, self._are_text, row, strict=True)
        return [
            value if is_text and type(value) is str else field.get_db_prep_save(value, here)
            for field, is_text, value in given
        ]

    @staticmethod
    def _run(sql: str, params: Sequence[Any]) -> list[int]:
        return [int(number) for (number,) in run(sql, params)[0]]

    @functools.cached_property
    def _fields(self) -> list[Any]:
        return [self._model._meta.get_field(name) for name in self._names]

    @functools.cached_property
    def _are_text(self) -> list[bool]:
        """Whose texts are stored as they are: fields take longer to find that out."""
        return [type(field) in (CharField, TextField) for field in self._fields]

    def _sql_of(self, count: int) -> str:
        row = f"({', '.join(['%s'] * len(self._fields))})"
        return self._insert(f"VALUES {', '.join([row] * count)}")

    def _insert(self, rows: str) -> str:
        quoted, meta = connection.ops.quote_name, self._model._meta
        columns = ", ".join(quoted(field.column) for field in self._fields)
        return (
            f"INSERT INTO {quoted(meta.db_table)} ({columns}) {rows}"
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
        return self.put(*values)[0]

    def put(self, *values: object) -> tuple[int, bool]:
        """The same; and whether the row is new."""
        params = self._stored(values)
        made = self._run(self._sql(1), params)
        found = made or self._run(self._select, params[: self._unique])
        if not found:
            raise IntegrityError(f"a row of {self._model.__name__} has vanished")
        return found[0], bool(made)

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


class PreparedAddition(PreparedInsert):
    """The same for rows of which there is but one each: to one that is there the last field is added.

    The other fields tell which one it is. Rows stay locked until the transaction ends.
    """

    def __init__(self, model: type[Model], *names: str) -> None:
        super().__init__(model, *names)
        self._with = functools.cache(self._with_of)

    def of(self, query: Prepared, *values: object) -> list[Row]:
        """The same for what a query finds, which tells the values first; returns its rows from before."""
        if connection.vendor == "postgresql":
            compiled = query._compiled()
            sql = self._with(compiled.sql, compiled.width)
            return _rows_converted(compiled, run(sql, compiled.params(values))[0])
        found = query(*values)
        if found:
            self.many([row[: len(self._names)] for row in found])
        return found

    def _with_of(self, query: str, width: int) -> str:
        """Made of names and statements of ours alone; what is asked for are its parameters."""
        names = [f"value{number}" for number in range(width)]
        values = ", ".join(names[: len(self._names)])
        added = self._insert(f"SELECT {values} FROM found")  # noqa: S608  see above
        found = f"found({', '.join(names)}) AS ({query})"
        return f"WITH {found}, added AS ({added}) SELECT * FROM found"  # noqa: S608  see above

    def _conflict(self) -> str:
        quoted, table = connection.ops.quote_name, self._model._meta.db_table
        *keys, amount = (quoted(field.column) for field in self._fields)
        added = f"{amount} = {quoted(table)}.{amount} + EXCLUDED.{amount}"
        return f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {added}"


class Child(NamedTuple):
    """Numbers of a row and of the one that it belongs to; and whether that one came with it."""

    parent: int
    number: int
    is_first: bool


class PreparedChild:
    """An INSERT of rows, each together with the one that it belongs to, should that not be there yet.

    ``parent`` makes (or finds) that one; ``link`` is the field that leads to it, ``names`` are the others.
    """

    def __init__(self, parent: PreparedUpsert, model: type[Model], link: str, *names: str) -> None:
        self._parent = parent
        self._child = PreparedInsert(model, link, *names)
        self._sql = functools.cache(self._sql_of)

    def __call__(self, parent: Sequence[object], values: Sequence[object]) -> Child:
        """Raises IntegrityError as ``PreparedUpsert`` does.

        PostgreSQL does both in one statement; there it is raised, too, if the parent came this very moment.
        """
        return self.many([(parent, values)])[0]

    def many(self, rows: Sequence[tuple[Sequence[object], Sequence[object]]]) -> list[Child]:
        """The same for several that belong to different ones, which are locked in the order of the rows."""
        if connection.vendor != "postgresql":
            parents = [self._parent.put(*parent) for parent, _ in rows]
            pairs = zip(parents, rows, strict=True)
            return [Child(above, self._child(above, *values), new) for (above, new), (_, values) in pairs]
        stored = [self._parent._stored(parent) for parent, _ in rows]
        params = [value for parent in stored for value in parent]
        for parent, (_, values) in zip(stored, rows, strict=True):
            keys = parent[: self._parent._unique]
            params += [*keys, *keys, *self._child._stored([None, *values])[1:]]
        return [Child(*row) for row in run(self._sql(len(rows)), params)[0]]

    def _sql_of(self, count: int) -> str:
        quoted, fields, keys = connection.ops.quote_name, self._child._fields, self._parent._keys
        link, same = quoted(fields[0].column), " AND ".join(f"{key} = %s" for key in keys)
        number = quoted(self._parent._model._meta.pk.attname)
        found = f"COALESCE((SELECT {number} FROM made WHERE {same}), ({self._parent._select}))"  # noqa: S608
        row = f"({', '.join([found] + ['%s'] * (len(fields) - 1))})"
        table = quoted(self._child._model._meta.db_table)
        return (
            f"WITH made AS ({self._parent._sql(count)}, {', '.join(keys)}) "  # noqa: S608
            f"INSERT INTO {table} ({', '.join(quoted(field.column) for field in fields)}) "
            f"VALUES {', '.join([row] * count)} "
            f"RETURNING {link}, {quoted(self._child._model._meta.pk.attname)}, "
            f"EXISTS (SELECT 1 FROM made WHERE made.{number} = {table}.{link})"
        )


def _with_numbers(compiled: tuple[str, Sequence[Any]], but: Sequence[object]) -> tuple[str, list[Any]]:
    """Whole numbers that are always the same stand in the statement: some indexes are of such rows alone."""
    sql, params = compiled
    left = iter(params)
    kept: list[Any] = []

    def said(_: re.Match[str]) -> str:
        value = next(left)
        if isinstance(value, int) and not isinstance(value, bool) and value not in but:
            return str(int(value))
        kept.append(value)
        return "%s"

    return _PLACE.sub(said, sql), kept


def _made(compiled: _Compiled, row: Row) -> Any:
    if compiled.make is None:
        raise TypeError("a query of values makes no objects")
    return compiled.make(row)


def _rows_converted(compiled: _Compiled, rows: list[Row]) -> list[Row]:
    return [_converted(row, compiled.converters) for row in rows] if compiled.converters else rows


def _converted(row: Row, converters: list[tuple[int, list[Any], Any]]) -> Row:
    values = list(row)
    for number, functions, expression in converters:
        for function in functions:
            values[number] = function(values[number], expression, connection)
    return tuple(values)
