"""Leaping over names that roll up at a delimiter: one step in an index for each, however many they are."""

from __future__ import annotations

from django.db import connections

from synnefo.pithos.namespace.models import Container, Object, Version
from synnefo.pithos.namespace.names import behind

AT_ONCE = 1000

_LEAPS = """
WITH RECURSIVE leap(here, number) AS (
    SELECT * FROM (SELECT o.name, 1 {source} AND o.name >= %(edge)s ORDER BY o.name LIMIT 1) AS first
    UNION ALL
    SELECT (SELECT o.name {source} AND o.name >= {past} ORDER BY o.name LIMIT 1), number + 1
    FROM leap WHERE here IS NOT NULL AND number < %(limit)s
)
SELECT here FROM leap WHERE here IS NOT NULL ORDER BY number
"""
_SOURCE = """
FROM {objects} o JOIN {versions} v ON v.object_id = o.id AND v.state = 0
WHERE o.container_id = %(container)s {before_end}
"""
#: Behind all that rolls up with a name; or behind the name, if it stands for itself.
_PAST = """
CASE WHEN {place} > 0 THEN substr(here, 1, %(length)s + {place} - 1) || %(next)s ELSE here || {char}(1) END
"""


def over(container: Container, prefix: str, delimiter: str, *, edge: str, end: str, folds: bool) -> list[str]:
    """From ``edge`` on, and before ``end`` if it says something, at most ``AT_ONCE`` names: the first one of
    each group that rolls up at a delimiter of one character behind the prefix, and those that do not.

    With ``folds`` a name that ends at the delimiter rolls up, too.
    """
    connection = connections[Version.objects.db]
    index, char = ("strpos", "chr") if connection.vendor == "postgresql" else ("instr", "char")
    rest = "substr(here, %(length)s + 1)"
    place = f"{index}({rest}, %(delimiter)s)"
    # A delimiter at the very end of a name does not count but with ``folds``.
    found = place if folds else f"(CASE WHEN {place} < length({rest}) THEN {place} ELSE 0 END)"
    source = _SOURCE.format(
        objects=Object._meta.db_table,
        versions=Version._meta.db_table,
        before_end="AND o.name < %(end)s" if end else "",
    )
    query = _LEAPS.format(source=source, past=_PAST.format(place=found, char=char))
    values: dict[str, int | str] = {
        "container": container.pk, "edge": edge, "end": end, "length": len(prefix), "limit": AT_ONCE,
        "delimiter": delimiter, "next": behind(delimiter),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [name for (name,) in cursor.fetchall()]
