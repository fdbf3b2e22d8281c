"""Pages of consoles: a server's screen, and what its serial port said."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_safe

from synnefo.common.caller import Caller
from synnefo.common.faults import Fault
from synnefo.common.pages import action, page
from synnefo.cyclades.console import rules
from synnefo.cyclades.console.address import websocket_url
from synnefo.cyclades.servers import rules as servers

_LINES = 200


@page
def screen(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """The screen of a server of one's own: the page asks for a ticket whenever it connects."""
    return _screen(request, {"server": servers.get(caller, uuid)})


@require_safe
def screen_by_ticket(request: HttpRequest) -> HttpResponse:
    """The same page for whoever has a ticket; it stands in the fragment and is seen by the page alone."""
    return _screen(request, {})


@action
def ticket(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """A new right to connect, for the page's script."""
    try:
        _, secret = rules.new_ticket(caller, uuid)
    except Fault as fault:
        return JsonResponse({"message": fault.message}, status=fault.status)
    return JsonResponse({"ticket": secret})


@page
def log(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    try:
        text, trouble = rules.console_log(caller, uuid, _LINES), ""
    except Fault as fault:
        if fault.status == 404:
            raise
        text, trouble = "", fault.message
    return render(request, "cyclades/console_log.html", {"text": text, "trouble": trouble, "lines": _LINES})


def _screen(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    url = websocket_url(request.get_host(), secure=request.is_secure())
    response = render(request, "cyclades/console.html", {**context, "websocket": url})
    parts = urlsplit(url)
    response.connects_to = f"{parts.scheme}://{quote(parts.netloc, safe='.:[]')}"  # type: ignore[attr-defined]
    return response


urlpatterns: list[URLPattern | URLResolver] = [
    path("console/", screen_by_ticket, name="console-by-ticket"),
    path("servers/<slug:uuid>/console/", screen, name="server-console"),
    path("servers/<slug:uuid>/console/ticket/", ticket, name="server-console-ticket"),
    path("servers/<slug:uuid>/log/", log, name="server-log"),
]
