"""Django's PostgreSQL engine, which need not ask the server whether it is still there.

Connections stay open between requests. Django would send ``SELECT 1`` before the first query of every
request; here the socket tells. After an error the server is asked all the same.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base

from synnefo.common.postgresql import liveness


class DatabaseWrapper(base.DatabaseWrapper):
    @property
    def pool(self) -> Any:
        pool = super().pool
        if pool is not None:  # Django lets nobody else say how connections are checked
            pool._check = liveness.check
        return pool

    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred:
            return bool(super().is_usable())
        return liveness.is_alive(self.connection)
