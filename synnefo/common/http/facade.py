"""Building a facade: one django-ninja API whose errors have one shape.

A facade parses, calls one rule, renders. It decides nothing. ``facade`` gives an API object on which a
noun's routes are registered; every fault, validation error, unknown path and crash on it is answered
in the facade's shape, and never with a traceback.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from synnefo.common import faults
from synnefo.common.accounts import Identity, accounts
from synnefo.common.caller import Caller, Scope
from synnefo.common.http.addresses import service_of
from synnefo.common.http.context import client_address
from synnefo.common.http.rendering import Shape, render

log = structlog.get_logger("synnefo.http")

_READING = ("GET", "HEAD", "OPTIONS", "PROPFIND")
_STATUS_FAULTS: dict[int, type[faults.Fault]] = {
    400: faults.BadRequest,
    401: faults.Unauthorized,
    403: faults.Forbidden,
    404: faults.ItemNotFound,
    405: faults.NotAllowed,
}


def identity_of(request: HttpRequest, token: str | None = None) -> Identity:
    """Whose ``X-Auth-Token`` (or other token) came with the request.

    Raises Unauthorized; Forbidden where the token is for reading or for other services; ServiceUnavailable
    for a change while Astakos, which could have ended the token, is away.
    """
    given: str = request.META.get("HTTP_X_AUTH_TOKEN", "") if token is None else token
    if not given:
        raise faults.Unauthorized("The request you have made requires authentication.")
    return admitted(request, accounts().identify(given))


def admitted(request: HttpRequest, identity: Identity) -> Identity:
    """Somebody whose credential is good, if it is good for this request. Raises as ``identity_of`` does."""
    if request.method not in _READING:
        if identity.read_only:
            raise faults.Forbidden("This token may only read.")
        if identity.remembered:
            raise faults.ServiceUnavailable(
                "Accounts cannot be reached at the moment: nothing can be changed."
            )
    if identity.services and (service := service_of(request)) not in identity.services:
        raise faults.Forbidden(f"This token is not for the service {service}.")
    return identity


def caller_of(request: HttpRequest, scope: Scope) -> Caller:
    identity = identity_of(request)
    if scope is Scope.PROJECT and identity.project is None:
        raise faults.Unauthorized("The token is not scoped to a project.")
    request_id = getattr(request, "id", "")
    return identity.caller(scope, request_id=request_id, address=client_address(request))


def authenticated(scope: Scope) -> Callable[[HttpRequest], Caller]:
    """Authentication for ninja: the route finds the caller in ``request.auth``."""

    def authenticate(request: HttpRequest) -> Caller:
        return caller_of(request, scope)

    return authenticate


def as_fault(error: Exception) -> faults.Fault:
    """The fault that an exception of the framework means."""
    if isinstance(error, faults.Fault):
        return error
    if isinstance(error, ValidationError):
        return faults.BadRequest(_explain(error))
    if isinstance(error, Http404):
        return faults.ItemNotFound("The resource could not be found.")
    if isinstance(error, RequestDataTooBig):
        return faults.RequestTooLarge("The request body is too large.")
    if isinstance(error, SuspiciousOperation | MultiPartParserError | UnreadablePostError):
        return faults.BadRequest("The request is malformed.")
    if isinstance(error, AuthenticationError):
        return faults.Unauthorized("The request you have made requires authentication.")
    if isinstance(error, HttpError):
        return _STATUS_FAULTS.get(error.status_code, faults.BadRequest)(str(error))
    log.exception("unhandled error")
    return faults.Fault("Unexpected error")


def facade(name: str, shape: Shape, *, auth: Any = None, version: str = "1") -> NinjaAPI:
    """A ninja API whose every error is rendered by ``shape``."""
    api = NinjaAPI(
        title=f"Synnefo {name}",
        version=version,
        urls_namespace=name,
        auth=auth,
        docs_url=None,
        openapi_url=None,
    )

    def answer(request: HttpRequest, error: Any) -> HttpResponse:
        return render(request, as_fault(error), shape)

    for kind in (
        faults.Fault,
        ValidationError,
        Http404,
        RequestDataTooBig,
        HttpError,
        AuthenticationError,
        Exception,
    ):
        api.add_exception_handler(kind, answer)
    return api


def not_found(shape: Shape) -> Callable[..., HttpResponse]:
    """The view behind a facade's routes: unknown paths answered in its shape."""

    def view(request: HttpRequest, path: str = "") -> HttpResponse:
        return render(request, faults.ItemNotFound("The resource could not be found."), shape)

    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def _explain(error: ValidationError) -> str:
    """The first problem, with its place: ``server.flavorRef: Field required``."""
    first = error.errors[0] if error.errors else {}
    place = [str(part) for part in first.get("loc", ()) if part not in ("body", "query", "path", "payload")]
    return (
        f"{'.'.join(place)}: {first.get('msg', 'invalid value')}"
        if place
        else str(first.get("msg", "invalid"))
    )
