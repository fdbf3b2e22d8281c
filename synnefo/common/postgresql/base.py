"""Django's PostgreSQL engine, which need not ask the server whether it is still there.

Connections stay open between requests. Django would send ``SELECT 1`` before the first query of every
request; here the socket tells: a server that went away has closed it, so there is something to read
where nothing was asked. After an error the server is asked all the same.
"""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred:
            return bool(super().is_usable())
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
