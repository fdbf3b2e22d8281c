"""Queries compiled once: for the hottest look-ups Django's compiler costs ten times the query itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import QuerySet

Row = tuple[Any, ...]


class Prepared:
    """A ``values_list`` query whose SQL is kept; calls differ in their arguments only.

    ``build`` makes the queryset from as many arguments as the call will get. It is called once, with the
    ``examples``: values that occur nowhere else in the query.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], *examples: object) -> None:
        self._build = build
        self._examples = examples
        self._guard = threading.Lock()
        self._compiled: (
            tuple[str, list[Any], list[tuple[int, int]], list[tuple[int, list[Any], Any]]] | None
        ) = None

    def __call__(self, *values: object) -> list[Row]:
        sql, template, places, converters = self._compiled or self._compile()
        params = list(template)
        for place, number in places:
            params[place] = values[number]
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            rows = cursor.fetchall()
        return [_converted(row, converters) for row in rows] if converters else rows

    def _compile(self) -> tuple[str, list[Any], list[tuple[int, int]], list[tuple[int, list[Any], Any]]]:
        with self._guard:
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
            self._compiled = sql, list(params), places, converters
            return self._compiled


def _converted(row: Row, converters: list[tuple[int, list[Any], Any]]) -> Row:
    values = list(row)
    for number, functions, expression in converters:
        for function in functions:
            values[number] = function(values[number], expression, connection)
    return tuple(values)
