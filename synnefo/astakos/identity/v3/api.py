"""The identity v3 API object, and who a request comes from."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from synnefo.astakos.accounts import tokens
from synnefo.astakos.catalog import listing
from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden, Unauthorized
from synnefo.common.http.context import client_address
from synnefo.common.http.facade import facade
from synnefo.common.http.rendering import keystone


def bearer(request: HttpRequest) -> tokens.Grant:
    """The token that came with the request, which the routes find in ``request.auth``."""
    grant = tokens.lookup(header(request))
    if grant.read_only and request.method not in ("GET", "HEAD", "OPTIONS"):
        raise Forbidden("This token may only read.")
    return grant


def header(request: HttpRequest) -> str:
    token: str = request.META.get("HTTP_X_AUTH_TOKEN", "")
    if not token:
        raise Unauthorized("The request you have made requires authentication.")
    return token


def caller(request: HttpRequest, grant: tokens.Grant) -> Caller:
    return Caller(
        user=grant.user__uuid,
        project=grant.project__uuid or grant.user__default_project,
        is_admin=tokens.ADMIN_ROLE in grant.roles,
        name=grant.user__username,
        request_id=getattr(request, "id", ""),
        address=client_address(request),
    )


def root_url(request: HttpRequest) -> str:
    return f"{listing.base_url(request)}/{settings.ASTAKOS_BASE_PATH}/identity/v3"


api = facade("identity-v3", keystone, auth=bearer, version="3.14")
