"""Faults in the shapes that clients know; one function a facade."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from synnefo.common.faults import Fault

#: Where Swift has nothing to add to what the status says.
_PAGES = (401, 403, 404, 405)
#: What Swift says of a conflict where it says no more.
UNEXPLAINED = "There was a conflict when trying to complete your request."

Shape = Callable[[Fault], dict[str, Any]]


def nova(fault: Fault) -> dict[str, Any]:
    """Compute: one key, the fault's name."""
    return {fault.name: {"code": fault.status, "message": fault.message}}


def synnefo(fault: Fault) -> dict[str, Any]:
    """Synnefo 0.21: as compute, plus ``details`` (or ``data`` for a quota refusal)."""
    body: dict[str, Any] = {"code": fault.status, "message": fault.message}
    if fault.data is not None:
        body["data"] = fault.data
    else:
        body["details"] = fault.details
    return {fault.name: body}


def neutron(fault: Fault) -> dict[str, Any]:
    """Network: a type that names the class of the error."""
    kind = fault.name[0].upper() + fault.name[1:]
    return {"NeutronError": {"type": kind, "message": fault.message, "detail": fault.details}}


def keystone(fault: Fault) -> dict[str, Any]:
    """Identity v3."""
    return {"error": {"code": fault.status, "message": fault.message, "title": fault.title}}


def glance(fault: Fault) -> dict[str, Any]:
    """Image v2; today's clients read ``message``."""
    return {"code": fault.status, "title": fault.title, "message": fault.message}


def render(request: HttpRequest, fault: Fault, shape: Shape) -> HttpResponse:
    """The response for a fault; the request id is added by the middleware."""
    response = JsonResponse(shape(fault), status=fault.status)
    if fault.status == 401:
        response["WWW-Authenticate"] = f'Keystone uri="{settings.SYNNEFO_PUBLIC_URL or "/"}"'
    return response


def swift(fault: Fault, account: str = "unknown") -> HttpResponse:
    """Object storage answers in words: a page where the status says all, else what is wrong and no more.

    It says which account it wants a token for.
    """
    text = html.escape(fault.message, quote=False)
    if fault.status in _PAGES or fault.message == UNEXPLAINED:
        text = f"<html><h1>{fault.title}</h1><p>{text}</p></html>"
    response = HttpResponse(text, status=fault.status, content_type="text/html; charset=UTF-8")
    if fault.status == 412:
        response = HttpResponse(fault.message, status=412, content_type="text/plain; charset=UTF-8")
    if fault.status == 401:
        response["WWW-Authenticate"] = f'Swift realm="{quote(account)}"'
    return response
