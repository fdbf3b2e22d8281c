"""An empty database costs the migrations once: later runs on SQLite begin with a copy of it.

The copy stands beside the temporary files, named after all migrations of all apps; PostgreSQL's is made anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import django
from django.apps import apps
from django.db import connection


def place() -> Path:
    """Where the test database is; only for SQLite."""
    return Path(connection.settings_dict["TEST"]["NAME"])


def begin() -> bool:
    """Put the empty database of an earlier run in place, if there is one."""
    return connection.vendor == "sqlite" and put(place())


def put(path: Path) -> bool:
    """The same for a database elsewhere."""
    if not _kept().exists():
        return False
    shutil.copyfile(_kept(), path)
    return True


def keep() -> None:
    """Keep the empty database for later runs."""
    if connection.vendor != "sqlite" or _kept().exists():
        return
    part = Path(f"{_kept()}.{os.getpid()}")
    with closing(sqlite3.connect(place())) as whole, closing(sqlite3.connect(part)) as copy:
        whole.backup(copy)
    part.rename(_kept())


def _kept() -> Path:
    digest = hashlib.sha256(django.__version__.encode())
    for config in apps.get_app_configs():
        folder = Path(config.path) / "migrations"
        for file in sorted(folder.glob("*.py")):
            digest.update(str(file).encode() + file.read_bytes())
    return Path(tempfile.gettempdir()) / f"synnefo-tests-{digest.hexdigest()[:16]}.db"
