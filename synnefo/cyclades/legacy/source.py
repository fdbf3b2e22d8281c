"""The old database of machines. Tables that came with a later release may be absent: they are empty then."""

from __future__ import annotations

from collections.abc import Callable

from synnefo.common.faults import BadRequest
from synnefo.common.legacy.source import Source, Sql

#: What a table that is not there has.
_NOTHING: Sql = "SELECT NULL::bigint AS key WHERE false"


class MachinesSource(Source):
    """Raises BadRequest for what is no database of Cyclades 0.19 - 0.21."""

    def _release(self) -> str:
        if not self.has("db_virtualmachine", "shared_to_project") or not self.has("db_volumetype"):
            raise BadRequest("This is no database of Cyclades 0.19, 0.20 or 0.21.")
        if self.has("db_virtualmachinetag"):
            return "0.21"
        return "0.20" if self.has("db_flavor", "public") else "0.19"

    def _first(self) -> str:
        first = self.one("SELECT id, userid, created FROM db_virtualmachine ORDER BY id LIMIT 1")
        return f"{first['id']} {first['userid']} {first['created']}" if first else "empty"


def of_table(table: str) -> Callable[[Source], Sql]:
    """All rows of a table, by their ids; none where there is no such table."""

    def sql(source: Source) -> Sql:
        return f"SELECT id AS key, * FROM {table}" if source.has(table) else _NOTHING  # noqa: S608  constants

    return sql


def of_query(table: str, query: Sql) -> Callable[[Source], Sql]:
    """A query about a table; nothing where there is no such table."""
    return lambda source: query if source.has(table) else _NOTHING
