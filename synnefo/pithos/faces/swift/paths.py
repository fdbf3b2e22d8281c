"""Paths as they came in: when views see them, Django has put something else for what is no UTF-8."""

from __future__ import annotations

from typing import Any

from django.core.signals import request_started
from django.http import HttpRequest

from synnefo.common.faults import PreconditionFailed

_KEY = "synnefo.pithos.path"


def watch() -> None:
    request_started.connect(_keep, dispatch_uid=_KEY)


def check(request: HttpRequest) -> None:
    """Raises PreconditionFailed for what is no text, as Swift does."""
    raw: str = request.META.get(_KEY, "")
    try:
        text = raw if raw.isascii() else raw.encode("latin-1").decode()
    except UnicodeError:
        raise PreconditionFailed("Invalid UTF8 or contains NULL") from None
    if "\x00" in text:
        raise PreconditionFailed("Invalid UTF8 or contains NULL")


def _keep(environ: dict[str, Any] | None = None, **_: object) -> None:
    if environ is not None:
        environ[_KEY] = environ.get("PATH_INFO", "")
