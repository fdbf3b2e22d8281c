"""Who asks in the identity v2.0 and account facades: users and services, each with their tokens."""

from __future__ import annotations

from django.http import HttpRequest

from synnefo.astakos.accounts import tokens
from synnefo.astakos.catalog.models import Component
from synnefo.astakos.catalog.rules import component_of_token
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import Forbidden, Unauthorized
from synnefo.common.http.facade import caller_of


def user_token(request: HttpRequest, *, changes: bool = True) -> tokens.Grant:
    """The user's token that came with the request, which ``changes`` something unless it is a GET.

    Raises Unauthorized, Forbidden.
    """
    grant = tokens.lookup(_token(request))
    tokens.require_service(grant, "identity")
    if changes and grant.only_reads and request.method not in ("GET", "HEAD"):
        raise Forbidden("This token may only read.")
    return grant


def user_caller(request: HttpRequest) -> Caller:
    """The user whose token came with the request. Raises Unauthorized, Forbidden."""
    _token(request)
    return caller_of(request, Scope.OWNER)


def service_token(request: HttpRequest) -> Component:
    """The component whose service token came with the request. Raises Unauthorized."""
    return component_of_token(_token(request))


def _token(request: HttpRequest) -> str:
    token = request.headers.get("X-Auth-Token", "")
    if not token:
        raise Unauthorized("Access denied. No authentication token")
    return token
