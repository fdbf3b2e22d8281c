"""Identity v2.0 as Synnefo 0.21 spoke it: a token in exchange for itself, with the catalog.

The "password" is the API token and the "user name" the user's uuid; without a body only the catalog is
answered, to anybody, for clients that look for addresses.
"""

from __future__ import annotations

import datetime
from typing import Any
from xml.etree import ElementTree

from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel

from synnefo.astakos.accounts import sessions, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog import listing
from synnefo.astakos.oauth import rules as oauth
from synnefo.astakos.projects import rules as projects
from synnefo.common.faults import BadRequest, Unauthorized
from synnefo.common.http.context import client_address
from synnefo.common.http.plain import answer, answer_xml, json_object, parsed, wants_xml


class TokenPart(BaseModel):
    id: str


class PasswordPart(BaseModel):
    username: str
    password: str


class AuthPart(BaseModel):
    token: TokenPart | None = None
    passwordCredentials: PasswordPart | None = None  # noqa: N815  the API's name
    tenantName: str | None = None  # noqa: N815


class AuthRequest(BaseModel):
    auth: AuthPart = AuthPart()


def create_token(request: HttpRequest) -> HttpResponse:
    """POST tokens. Raises BadRequest, Unauthorized, TooManyRequests."""
    access: dict[str, Any] = {}
    if _has_body(request):
        access = _access(parsed(AuthRequest, json_object(request)).auth, client_address(request))
    access["serviceCatalog"] = listing.synnefo(request)
    return _xml(access) if wants_xml(request) else answer({"access": access})


def show_token(request: HttpRequest, token: str) -> HttpResponse:
    """GET tokens/<token>: an access token of 0.21's OAuth 2 flow, for what is below ``belongsTo``.

    Raises ItemNotFound.
    """
    row = oauth.token_of(token, request.GET.get("belongsTo"))
    shown = _person(row.user)
    del shown["projects"]
    access = {"token": _token(token, row.expires, row.user), "user": shown}
    return _xml(access) if wants_xml(request) else answer({"access": access})


def _has_body(request: HttpRequest) -> bool:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return length.isdigit() and int(length) > 0


def _access(auth: AuthPart, address: str) -> dict[str, Any]:
    given = auth.passwordCredentials
    if auth.token is None and given is None:
        raise BadRequest("Malformed request: missing credentials")
    token = auth.token.id if auth.token is not None else given.password if given is not None else ""
    grant = _lookup(token, address)
    if auth.token is None and given is not None and given.username != grant.user__uuid:
        raise Unauthorized("Invalid credentials")
    if auth.tenantName is not None and auth.tenantName != grant.user__uuid:
        raise BadRequest("Not conforming tenant name")
    return _shown(token, grant)


def _lookup(token: str, address: str) -> tokens.Grant:
    try:
        return sessions.exchangeable(token, address=address)
    except Unauthorized as fault:
        raise Unauthorized("Invalid token") if fault.message == tokens.UNKNOWN else fault from fault


def _shown(token: str, grant: tokens.Grant) -> dict[str, Any]:
    user = User.objects.get(pk=grant.user_id)
    return {"token": _token(token, grant.expires, user), "user": _person(user)}


def _token(token: str, expires: datetime.datetime, user: User) -> dict[str, Any]:
    return {
        "id": token,
        "expires": expires.isoformat(),
        "tenant": {"id": user.default_project, "name": user.realname},
    }


def _person(user: User) -> dict[str, Any]:
    groups = Group.objects.filter(user=user).order_by("pk")
    return {
        "id": user.uuid,
        "name": user.realname,
        "roles": [{"id": str(group.pk), "name": group.name} for group in groups],
        "roles_links": [],
        "projects": list(projects.projects_of(user).values_list("uuid", flat=True)),
    }


def _xml(access: dict[str, Any]) -> HttpResponse:
    root = ElementTree.Element("access")
    if "token" in access:
        token, user = access["token"], access["user"]
        element = ElementTree.SubElement(root, "token", id=token["id"], expires=token["expires"])
        ElementTree.SubElement(element, "tenant", token["tenant"])
        element = ElementTree.SubElement(root, "user", id=user["id"], name=user["name"])
        roles = ElementTree.SubElement(element, "roles")
        for role in user["roles"]:
            ElementTree.SubElement(roles, "role", role)
    if "serviceCatalog" in access:
        _catalog_xml(root, access["serviceCatalog"])
    return answer_xml(root)


def _catalog_xml(root: ElementTree.Element, services: list[dict[str, Any]]) -> None:
    catalog = ElementTree.SubElement(root, "serviceCatalog")
    for service in services:
        element = ElementTree.SubElement(catalog, "service", type=service["type"], name=service["name"])
        for endpoint in service["endpoints"]:
            ElementTree.SubElement(element, "endpoint", endpoint)
