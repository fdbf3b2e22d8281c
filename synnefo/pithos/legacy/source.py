"""The old database of objects. A node is an account, a container in one, or an object in one of these."""

from __future__ import annotations

from synnefo.common.faults import BadRequest
from synnefo.common.legacy.source import Source, Sql

#: ``a``: accounts; ``c``: their containers; ``n``: what is in these.
ACCOUNTS: Sql = "nodes a WHERE a.parent = 0 AND a.node <> 0"
CONTAINERS: Sql = "nodes c JOIN nodes a ON a.node = c.parent AND a.parent = 0 AND a.node <> 0"
OBJECTS: Sql = (
    "nodes n JOIN nodes c ON c.node = n.parent"
    " JOIN nodes a ON a.node = c.parent AND a.parent = 0 AND a.node <> 0"
)


class ObjectsSource(Source):
    """Raises BadRequest for what is no database of Pithos 0.19 - 0.21."""

    def _release(self) -> str:
        if not self.has("xfeaturevals", "feature_id") or not self.has("versions", "is_snapshot"):
            raise BadRequest("This is no database of Pithos 0.19, 0.20 or 0.21.")
        found = self.one("SELECT version_num FROM alembic_version") if self.has("alembic_version") else None
        return str(found["version_num"]) if found else "unknown"

    def _first(self) -> str:
        first = self.one(f"SELECT node, path FROM {ACCOUNTS} ORDER BY node LIMIT 1")  # noqa: S608
        return f"{first['node']} {first['path']}" if first else "empty"
