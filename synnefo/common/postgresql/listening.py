"""A connection to PostgreSQL that listens on a channel: one of its own, which stays open."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import connection


def connect(channel: str) -> psycopg.Connection[Any]:
    """Raises psycopg.Error."""
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold", "pool"):
        parameters.pop(name, None)
    made = psycopg.connect(**parameters, autocommit=True)
    made.execute(f"LISTEN {channel}")
    return made
