"""The identity v3 API object, who a request comes from, and how lists are paged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse

from synnefo.astakos.accounts import tokens
from synnefo.astakos.catalog import listing
from synnefo.astakos.identity.v3 import shapes
from synnefo.astakos.roles.effective import READER, SYSTEM
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Forbidden, Unauthorized
from synnefo.common.http.context import client_address
from synnefo.common.http.facade import facade
from synnefo.common.http.paging import page_size
from synnefo.common.http.rendering import keystone

M = TypeVar("M", bound=Model)

#: Keystone's filters of names beside the exact one, as Django's look-ups.
_INEXACT = ("contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iexact")
_LONGEST = 255


def bearer(request: HttpRequest) -> tokens.Grant:
    """The token that came with the request, which the routes find in ``request.auth``."""
    grant = tokens.lookup(header(request))
    if "/v3/auth/" not in request.path:  # whoever has a token may ask what it says
        tokens.require_service(grant, "identity")
    if grant.only_reads and request.method not in ("GET", "HEAD", "OPTIONS"):
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
        scope=Scope.PROJECT if grant.confined else Scope.OWNER,
        is_admin=is_admin(grant),
        name=grant.user__username,
        request_id=getattr(request, "id", ""),
        address=client_address(request),
    )


def is_admin(grant: tokens.Grant) -> bool:
    return tokens.ADMIN_ROLE in grant.roles


def sees_all(grant: tokens.Grant) -> bool:
    """Administrators, and readers of the system with a token for that."""
    return is_admin(grant) or (grant.scope == SYSTEM and READER in grant.roles)


def require_admin(request: Any, action: str) -> Caller:
    """The caller, if he administers. Raises Forbidden in Keystone's words."""
    if not is_admin(request.auth):
        raise refusal(action)
    return caller(request, request.auth)


def require_sight(request: Any, action: str) -> None:
    """Raises Forbidden for who may not look at everybody's things."""
    if not sees_all(request.auth):
        raise refusal(action)


def refusal(action: str) -> Forbidden:
    return Forbidden(f"You are not authorized to perform the requested action: identity:{action}.")


def root_url(request: HttpRequest) -> str:
    return f"{listing.base_url(request)}/{settings.ASTAKOS_BASE_PATH}/identity/v3"


def argument(request: HttpRequest, name: str) -> str | None:
    """A parameter of the query. Raises BadRequest for what nothing can be called."""
    value = request.GET.get(name)
    if value is not None and ("\x00" in value or len(value) > _LONGEST):
        raise BadRequest(f"{name}: not a text of {_LONGEST} characters at most")
    return value


def flag(request: HttpRequest, name: str) -> bool | None:
    """A parameter that is true or false; present without a value it is true."""
    value = argument(request, name)
    return None if value is None else value.lower() not in ("false", "0", "no", "off")


def with_name(request: HttpRequest, rows: QuerySet[M], field: str = "name") -> QuerySet[M]:
    """Rows narrowed by ``name``, ``name__contains`` and the like."""
    name = argument(request, "name")
    if name is not None:
        rows = rows.filter(**{field: name})
    for lookup in _INEXACT:
        if (text := argument(request, f"name__{lookup}")) is not None:
            rows = rows.filter(**{f"{field}__{lookup}": text})
    return rows


def listed(
    request: HttpRequest,
    kind: str,
    rows: QuerySet[M],
    shape: Callable[[M, str], dict[str, Any]],
    key: str = "uuid",
) -> HttpResponse:
    """One page of rows in the order of their numbers: ``limit`` rows after the one named by ``marker``.

    Raises BadRequest for a marker that is not among them.
    """
    asked = argument(request, "limit")
    if asked is not None and not asked.isdigit():
        raise BadRequest("limit: not a number")
    size = page_size(int(asked) if asked is not None else None)
    marker = argument(request, "marker")
    if marker is not None:
        known = rows.filter(**{key: marker}) if key != "pk" or marker.isdigit() else rows.none()
        last = known.values_list("pk", flat=True).first()
        if last is None:
            raise BadRequest(f"Marker {marker} could not be found.")
        rows = rows.filter(pk__gt=last)
    found = list(rows.order_by("pk")[: size + 1]) if size else []
    shown = [shape(row, root_url(request)) for row in found[:size]]
    more = str(getattr(found[size - 1], key)) if len(found) > size else ""
    return told(request, kind, shown, more=more)


def told(
    request: HttpRequest, kind: str, rows: list[dict[str, Any]], *, more: str = "", truncated: bool = False
) -> HttpResponse:
    """A list; ``more`` is the marker of what follows, if something does and can be paged."""
    base = f"{listing.base_url(request)}{request.path}"
    query = request.GET.dict()
    here = f"{base}?{urlencode(query)}" if query else base
    following = f"{base}?{urlencode({**query, 'marker': more})}" if more else None
    return JsonResponse(shapes.listing(kind, rows, here, following=following, truncated=truncated))


def nothing() -> HttpResponse:
    return HttpResponse(status=204)


api = facade("identity-v3", keystone, auth=bearer, version="3.14")
