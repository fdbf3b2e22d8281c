"""Whether a connection to PostgreSQL lives, without asking the server.

A server that went away has closed the socket, so there is something to read where nothing was asked.
"""

from __future__ import annotations

import select
from typing import Any

import psycopg


def is_alive(connection: psycopg.Connection[Any]) -> bool:
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def check(connection: psycopg.Connection[Any]) -> None:
    """For pools, before a connection is given out. Raises OperationalError if it is dead."""
    if not is_alive(connection):
        connection.close()  # the pool takes back what looks open, and would give it out again and again
        raise psycopg.OperationalError("the server has closed the connection")
