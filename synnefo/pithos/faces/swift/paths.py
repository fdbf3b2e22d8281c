"""Paths that are no text are refused as Swift refuses them."""

from __future__ import annotations

from django.http import HttpRequest

from synnefo.common.faults import PreconditionFailed
from synnefo.pithos.faces import paths


def check(request: HttpRequest) -> None:
    """Raises PreconditionFailed."""
    try:
        text = paths.as_sent(request)
    except UnicodeError:
        raise PreconditionFailed("Invalid UTF8 or contains NULL") from None
    if "\x00" in text:
        raise PreconditionFailed("Invalid UTF8 or contains NULL")
