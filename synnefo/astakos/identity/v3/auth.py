"""``/v3/auth``: tokens made, validated and revoked; what a token's bearer may reach."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router

from synnefo.astakos.accounts import sessions, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.accounts.sessions import Scope
from synnefo.astakos.catalog import listing
from synnefo.astakos.identity.v3 import shapes
from synnefo.astakos.identity.v3.api import header, root_url
from synnefo.astakos.identity.v3.schemas import AuthRequest, CredentialMethod, PasswordUser, ScopePart
from synnefo.astakos.projects import rules as projects
from synnefo.common.faults import BadRequest
from synnefo.common.http.context import client_address

router = Router()

_METHODS = ("password", "token", "application_credential")


@router.post("/tokens", auth=None)
def create_token(request: HttpRequest, payload: AuthRequest) -> HttpResponse:
    scope = _scope(payload.auth.scope)
    token = _open(payload, scope, client_address(request))
    response = _answer(request, tokens.lookup(token), status=201)
    response["X-Subject-Token"] = token
    return response


@router.api_operation(["GET", "HEAD"], "/tokens", auth=None)
def validate_token(request: HttpRequest) -> HttpResponse:
    subject = _subject(request)
    response = _answer(request, tokens.validate(header(request), subject))
    response["X-Subject-Token"] = subject
    return response


@router.delete("/tokens", auth=None)
def revoke_token(request: HttpRequest) -> HttpResponse:
    tokens.revoke_by_value(header(request), _subject(request))
    return HttpResponse(status=204)


@router.get("/catalog")
def catalog(request: Any) -> HttpResponse:
    url = f"{root_url(request)}/auth/catalog"
    entries = listing.openstack(request, request.auth.project__uuid)
    return JsonResponse(shapes.listing("catalog", entries, url))


@router.get("/projects")
def own_projects(request: Any) -> HttpResponse:
    root = root_url(request)
    user = User.objects.get(pk=request.auth.user_id)
    rows = [shapes.project(row, root) for row in projects.projects_of(user)]
    return JsonResponse(shapes.listing("projects", rows, f"{root}/auth/projects"))


@router.get("/domains")
def own_domains(request: HttpRequest) -> HttpResponse:
    root = root_url(request)
    return JsonResponse(shapes.listing("domains", [shapes.domain(root)], f"{root}/auth/domains"))


def _answer(request: HttpRequest, grant: tokens.Grant, status: int = 200) -> HttpResponse:
    shown: dict[str, Any] = shapes.token(grant)
    if grant.project_id is not None and "nocatalog" not in request.GET:
        shown["catalog"] = listing.openstack(request, grant.project__uuid)
    response = JsonResponse({"token": shown}, status=status)
    response["Vary"] = "X-Auth-Token"
    return response


def _subject(request: HttpRequest) -> str:
    subject: str = request.META.get("HTTP_X_SUBJECT_TOKEN", "")
    if not subject:
        raise BadRequest("The header X-Subject-Token is missing.")
    return subject


def _open(payload: AuthRequest, scope: Scope, address: str) -> str:
    """A new token by the one method that was named. Raises BadRequest, Unauthorized, TooManyRequests."""
    identity = payload.auth.identity
    if len(identity.methods) != 1 or identity.methods[0] not in _METHODS:
        raise sessions.refusal()
    method = identity.methods[0]
    if method == "password" and identity.password is not None:
        return _open_by_password(identity.password.user, scope, address)
    if method == "token" and identity.token is not None:
        return sessions.open_by_token(identity.token.id, scope)
    if method == "application_credential" and identity.application_credential is not None:
        scoped = payload.auth.scope is not None
        return _open_by_credential(identity.application_credential, scoped, address)
    raise BadRequest(f"auth.identity.{method}: Field required")


def _open_by_password(user: PasswordUser, scope: Scope, address: str) -> str:
    if user.id is not None:
        return sessions.open_by_password(user.id, user.password, scope, address=address)
    if user.name is None or user.domain is None:
        raise BadRequest("auth.identity.password.user: id, or name and domain required")
    # Nobody lives in other domains: an address that no account can have takes as long as any other.
    name = user.name if user.domain.is_default else f"{user.name}@@"
    return sessions.open_by_password(name, user.password, scope, address=address)


def _open_by_credential(given: CredentialMethod, scoped: bool, address: str) -> str:
    if scoped:
        raise BadRequest("An application credential has a scope of its own.")
    owner = given.user
    if given.id is None and (given.name is None or owner is None or (owner.id or owner.name) is None):
        raise BadRequest("auth.identity.application_credential: id, or name and user required")
    return sessions.open_by_application_credential(
        given.secret,
        uuid=given.id,
        name=given.name,
        user=(owner.id or owner.name) if owner is not None else None,
        address=address,
    )


def _scope(given: ScopePart | str | None) -> Scope:
    """Raises BadRequest for a scope that says nothing, Unauthorized for one that nobody has here."""
    if given is None:
        return Scope()
    if isinstance(given, str) or given.unscoped is not None:
        return Scope(unscoped=True)
    if given.project is None:
        raise (
            sessions.refusal() if given.domain or given.system else BadRequest("auth.scope: project required")
        )
    if given.project.id is not None:
        return Scope(project_id=given.project.id)
    if given.project.name is None or given.project.domain is None:
        raise BadRequest("auth.scope.project: id, or name and domain required")
    if not given.project.domain.is_default:
        raise sessions.refusal()
    return Scope(project_name=given.project.name)
