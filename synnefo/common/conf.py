"""Settings: defaults per service, overlaid by ``*.conf`` files, then by the environment.

The files are Python, run in sorted order with everything set so far in scope, as operators of Synnefo
know them. A faulty file stops start-up and is named with its line. In the environment a setting's own
name works (``CYCLADES_LOCAL_TB_SIZE_MIB=128``); values are JSON where they parse as such.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

DEFAULT_DIRECTORY = Path("/etc/synnefo")
OWN_PREFIXES = ("SYNNEFO_", "ASTAKOS_", "CYCLADES_", "PITHOS_", "BRANDING_")


#: A process that hangs inside a transaction loses its session, and with it the locks that others wait for.
#: Dates as text are as lists tell them, whatever the server likes better.
_SESSION = "-c idle_in_transaction_session_timeout=60s -c DateStyle=ISO"


class ConfigurationError(Exception):
    """The configuration cannot be used; the message names file and line."""


def settings_directory(environ: Mapping[str, str] = os.environ) -> Path:
    return Path(environ.get("SYNNEFO_SETTINGS_DIR", DEFAULT_DIRECTORY))


def overlay_files(namespace: dict[str, Any], directory: Path) -> list[Path]:
    """Run every ``*.conf`` of the directory on the namespace; returns the files, in order."""
    files = sorted(directory.glob("*.conf")) if directory.is_dir() else []
    for path in files:
        try:
            code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
            exec(code, namespace)  # noqa: S102  configuration files are Python by design
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}: {error}") from error
        except SyntaxError as error:
            raise ConfigurationError(f"{path}:{error.lineno}: {error.msg}") from error
        except Exception as error:  # whatever an operator's Python may raise
            line = _line_in(path, error)
            raise ConfigurationError(f"{path}:{line}: {type(error).__name__}: {error}") from error
    return files


def overlay_environment(namespace: dict[str, Any], environ: Mapping[str, str] = os.environ) -> None:
    """Take over variables that carry the name of a setting of ours."""
    for name, text in environ.items():
        if name.startswith(OWN_PREFIXES) and name in namespace:
            namespace[name] = _parsed(name, text, namespace[name])


def database_from_url(url: str) -> dict[str, Any]:
    """Django's description of ``sqlite:///path`` or ``postgresql://user:password@host:port/name``.

    Query parameters become connection options. Raises ConfigurationError.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite_database(Path("/" + unquote(parts.path).lstrip("/")))
    if parts.scheme not in ("postgres", "postgresql"):
        raise ConfigurationError(f"DATABASE_URL: {parts.scheme!r} is neither sqlite nor postgresql")
    try:
        port = str(parts.port or "")
    except ValueError as error:
        raise ConfigurationError(f"DATABASE_URL: {error}") from error
    return {
        "ENGINE": "synnefo.common.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": port,
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        # Planning costs more than running most of our queries: what a connection sends often is prepared.
        "OPTIONS": {
            "options": _SESSION,
            "server_side_binding": True,
            "prepare_threshold": 5,
            **dict(parse_qsl(parts.query)),
        },
    }


def for_slow_clients(database: dict[str, Any], *, connections: int) -> dict[str, Any]:
    """A database for a process of very many threads, most of which wait for clients.

    So many ``connections`` to PostgreSQL serve all of them; to SQLite each has one of its own, a small one.
    """
    options = dict(database.get("OPTIONS", {}))
    if database["ENGINE"] == "django.db.backends.sqlite3":
        options["init_command"] = f"{options.get('init_command', '')} PRAGMA cache_size=-2000;".lstrip()
        return {**database, "OPTIONS": options}
    options["pool"] = {"min_size": 1, "max_size": connections}
    return {**database, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "OPTIONS": options}


def sqlite_database(path: Path) -> dict[str, Any]:
    """SQLite as the embedded default: WAL, writers queue from their first statement on."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
        },
    }


def _parsed(name: str, text: str, default: Any) -> Any:
    if isinstance(default, str):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"environment variable {name}: {text!r} is not JSON") from error


def _line_in(path: Path, error: Exception) -> int:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return frames[-1].lineno or 0 if frames else 0
