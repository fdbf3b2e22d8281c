"""Other origins that belong to this cloud: where its components are."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest

from synnefo.astakos.catalog.models import Component
from synnefo.common.http.addresses import base_url


def origins(request: HttpRequest) -> frozenset[str]:
    """Of this cloud and of the addresses that components are registered with, as browsers send them."""
    rows = Component.objects.values_list("base_url", "url")
    found = {_origin(address) for row in rows for address in row} | {_origin(base_url(request))}
    return frozenset(found - {""})


def is_ours(request: HttpRequest, url: str) -> bool:
    """Whether a browser may be sent there: host, port and scheme are those of a component."""
    return _origin(url) in origins(request)


def _origin(url: str) -> str:
    """``https://host`` or ``https://host:port``; empty for anything else than a plain web address."""
    if any(mark.isspace() or mark == "\\" for mark in url):
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != usual else "")
