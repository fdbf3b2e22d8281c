"""What browsers are told about every page: nothing from other hosts, no inline scripts, no frames."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

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
            origin = getattr(response, "connects_to", "")
            connect = f"connect-src 'self' {origin}".strip()
            response.setdefault("Content-Security-Policy", "; ".join((*POLICY, connect)))
            response["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
            response.setdefault("Cache-Control", "private, no-cache")
        return response
