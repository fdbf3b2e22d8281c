"""Numbers of rows: new ones go on where the old system's would have, whatever was imported."""

from __future__ import annotations

from django.db import connection, models
from django.db.models import Max, Model

from synnefo.common.legacy.source import Source
from synnefo.common.legacy.steps import Numbered


def go_on(numbered: Numbered, source: Source) -> None:
    """The next row gets a number that neither system has given out."""
    last = max(source.next_number(numbered.table, numbered.column) - 1, _last(numbered.model))
    if last < 1:
        return
    table, column = numbered.model._meta.db_table, numbered.model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", (table, column, last))
            return
        cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", (last, table))
        if cursor.rowcount == 0:
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", (table, last))


def renumber(row: Model, number: int) -> None:
    """Give a row another number, and so whatever refers to it. In the caller's transaction."""
    for relation in row._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ForeignObjectRel) and not isinstance(relation, models.ManyToManyRel):
            name = relation.field.name
            relation.related_model._base_manager.filter(**{name: row.pk}).update(**{name: number})
    type(row)._base_manager.filter(pk=row.pk).update(**{row._meta.pk.attname: number})


def _last(model: type[Model]) -> int:
    return model._base_manager.aggregate(last=Max("pk"))["last"] or 0
