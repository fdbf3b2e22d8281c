"""Paths as they came in: when views see them, Django has put something else for what is no UTF-8."""

from __future__ import annotations

from typing import Any

from django.core.signals import request_started
from django.http import HttpRequest

_KEY = "synnefo.pithos.path"


def watch() -> None:
    request_started.connect(_keep, dispatch_uid=_KEY)


def as_sent(request: HttpRequest) -> str:
    """The path, decoded. Raises UnicodeError for what is no text."""
    raw: str = request.META.get(_KEY, "")
    return raw if raw.isascii() else raw.encode("latin-1").decode()


def _keep(environ: dict[str, Any] | None = None, **_: object) -> None:
    if environ is not None:
        environ[_KEY] = environ.get("PATH_INFO", "")
