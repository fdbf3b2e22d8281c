"""What browsers are told about every page: nothing from other hosts, no inline scripts, no frames.

The one other address that scripts may talk to is that of the object store.
"""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from synnefo.common.http.addresses import base_url, objects_url

POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)


class PageSecurity:
    """A view may let its page connect elsewhere: ``response.connects_to = "wss://..."``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            connect = " ".join(("connect-src 'self'", *_elsewhere(request, response)))
            response.setdefault("Content-Security-Policy", "; ".join((*POLICY, connect)))
            response["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
            response.setdefault("Cache-Control", "private, no-cache")
        return response


def _elsewhere(request: HttpRequest, response: HttpResponse) -> list[str]:
    wished: str = getattr(response, "connects_to", "")
    try:
        objects = objects_url(request)
        found = [objects] if objects != base_url(request) else []
    except DisallowedHost:  # the page says so
        found = []
    return [*found, wished] if wished else found
