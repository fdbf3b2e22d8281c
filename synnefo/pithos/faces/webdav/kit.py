"""What all requests of the face share: who asks, which method, faults as WebDAV words them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from synnefo.common.accounts import Identity, accounts
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import (
    Fault,
    InsufficientStorage,
    NotAllowed,
    OverLimit,
    RequestTooLarge,
    Unauthorized,
)
from synnefo.common.http.context import client_address
from synnefo.common.http.facade import admitted, as_fault, identity_of
from synnefo.common.quota_shown import refusal
from synnefo.pithos.faces.conditions import NotModified
from synnefo.pithos.faces.webdav import xml

View = Callable[[HttpRequest, Caller, str], HttpResponseBase]

_MESSAGE = "urn:synnefo:dav"
#: Conditions that WebDAV has names for; a fault's details say which does not hold.
FINITE_DEPTH, NO_CONFLICT, OWN_TOKEN = (
    "propfind-finite-depth", "no-conflicting-lock", "lock-token-matches-request-uri",
)  # fmt: skip


def route(**views: View) -> Callable[..., HttpResponseBase]:
    """A Django view of one function a method. OPTIONS is for everybody."""

    def view(request: HttpRequest, path: str) -> HttpResponseBase:
        try:
            chosen = views.get(request.method or "")
            if request.method == "OPTIONS":
                response: HttpResponseBase = empty(200)
            elif chosen is None:
                raise NotAllowed("There is no such method here.")
            else:
                response = chosen(request, caller(request), path)
        except NotModified as unchanged:
            response = empty(304)
            response["ETag"] = f'"{unchanged.etag}"'
        except Exception as error:  # as_fault logs what is not a fault and hides it from the client
            response = rendered(as_fault(error))
        if request.method == "OPTIONS" or response.status_code == NotAllowed.status:
            response["Allow"] = ", ".join(["OPTIONS", *sorted(views)])
        response["DAV"] = "1, 2"
        response["MS-Author-Via"] = "DAV"
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response["Vary"] = "Authorization, X-Auth-Token"
        if isinstance(response, HttpResponse) and "Content-Length" not in response:
            response["Content-Length"] = str(len(response.content))
        return response

    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def caller(request: HttpRequest) -> Caller:
    """Who asks: in the project that the token is for, else as himself in all of his.

    Raises Unauthorized, Forbidden, TooManyRequests.
    """
    identity = _identity(request)
    scope = Scope.OWNER if identity.project is None else Scope.PROJECT
    request_id = getattr(request, "id", "")
    return identity.caller(scope, request_id=request_id, address=client_address(request))


def _identity(request: HttpRequest) -> Identity:
    """By X-Auth-Token; else by a user and a secret of his, or a token alone, in Authorization."""
    if request.META.get("HTTP_X_AUTH_TOKEN"):
        return identity_of(request)
    scheme, _, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer":
        return identity_of(request, given.strip())
    if scheme.lower() != "basic":
        raise Unauthorized("Sign in with your e-mail address and a token.")
    try:
        user, colon, secret = base64.b64decode(given.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthorized("The Authorization header is none.") from None
    if not colon or not user or not secret:
        raise Unauthorized("Sign in with your e-mail address and a token.")
    return admitted(request, accounts().program(user, secret, address=client_address(request)))


def empty(status: int) -> HttpResponse:
    response = HttpResponse(status=status)
    del response["Content-Type"]
    return response


def rendered(fault: Fault) -> HttpResponse:
    """Words for people, and the condition that does not hold where WebDAV has a name for it."""
    if isinstance(fault, OverLimit | RequestTooLarge):
        told = refusal(fault) if isinstance(fault, OverLimit) and fault.data is not None else fault
        fault = InsufficientStorage(told.message)
    condition = f"<D:{fault.details}/>" if fault.details in (FINITE_DEPTH, NO_CONFLICT, OWN_TOKEN) else ""
    message = f'<s:message xmlns:s="{_MESSAGE}">{xml.text(fault.message)}</s:message>'
    body = f'{xml.HEADER}<D:error xmlns:D="DAV:">{condition}{message}</D:error>\n'
    response = HttpResponse(body, status=fault.status, content_type=xml.CONTENT_TYPE)
    if fault.status == Unauthorized.status:
        response["WWW-Authenticate"] = 'Basic realm="Files", charset="UTF-8"'
    return response
