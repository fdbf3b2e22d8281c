"""``/v3/auth``: tokens made, validated and revoked; what a token's bearer may reach."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router

from synnefo.astakos.accounts import sessions, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.accounts.sessions import Scope
from synnefo.astakos.catalog import listing
from synnefo.astakos.directory import domains, entries
from synnefo.astakos.directory.models import Domain
from synnefo.astakos.identity.v3 import shapes
from synnefo.astakos.identity.v3.api import header, listed, root_url, told
from synnefo.astakos.identity.v3.projects import open_to
from synnefo.astakos.identity.v3.schemas import (
    AuthRequest,
    CredentialMethod,
    DomainRef,
    PasswordUser,
    ScopePart,
)
from synnefo.astakos.roles import effective
from synnefo.astakos.roles.models import Assignment
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.http.context import client_address

router = Router()

_METHODS = ("password", "token", "application_credential")
_TWO_FACTORS = {"password", "totp"}


@router.post("/tokens", auth=None)
def create_token(request: HttpRequest, payload: AuthRequest) -> HttpResponse:
    scope = _scope(payload.auth.scope)
    token = _open(payload, scope, client_address(request))
    response = answer(request, tokens.lookup(token), status=201)
    response["X-Subject-Token"] = token
    return response


@router.api_operation(["GET", "HEAD"], "/tokens", auth=None)
def validate_token(request: HttpRequest) -> HttpResponse:
    subject = _subject(request)
    response = answer(request, tokens.validate(header(request), subject))
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
    rows = open_to(request.auth, User.objects.get(pk=request.auth.user_id))
    return listed(request, "projects", rows, shapes.project)


@router.get("/domains")
def own_domains(request: Any) -> HttpResponse:
    """Those that one can have a token for: administrators all, others where they have a role."""
    grant, root = request.auth, root_url(request)
    rows, default = Domain.objects.filter(disabled_at=None), grant.user__is_superuser
    if not default:
        mine = Assignment.objects.filter(effective.assigned_to(grant.user_id)).exclude(domain="")
        names = set(mine.values_list("domain", flat=True))
        rows, default = rows.filter(uuid__in=names), domains.DEFAULT in names
    found: list[Domain | None] = [*([None] if default else []), *rows.order_by("pk")]
    return told(request, "domains", [shapes.domain(row, root) for row in found])


@router.get("/system")
def own_system(request: Any) -> HttpResponse:
    grant = request.auth
    has_role = grant.user__is_superuser or effective.roles_in_scope(grant.user_id, effective.SYSTEM)
    return told(request, "system", [{"all": True}] if has_role else [])


def answer(request: HttpRequest, grant: tokens.Grant, status: int = 200) -> HttpResponse:
    shown: dict[str, Any] = shapes.token(grant)
    if (grant.project_id is not None or grant.scope) and "nocatalog" not in request.GET:
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
    """A new token by the method that was named, or by password and second factor together.

    Raises BadRequest, Unauthorized, TooManyRequests.
    """
    identity = payload.auth.identity
    if set(identity.methods) == _TWO_FACTORS and identity.password is not None and identity.totp is not None:
        return _open_by_password(identity.password.user, scope, address, identity.totp.user.passcode)
    if len(identity.methods) != 1 or identity.methods[0] not in _METHODS:
        raise sessions.refusal()
    method = identity.methods[0]
    if method == "password" and identity.password is not None:
        return _open_by_password(identity.password.user, scope, address)
    if method == "token" and identity.token is not None:
        return sessions.open_by_token(identity.token.id, scope, address=address)
    if method == "application_credential" and identity.application_credential is not None:
        scoped = payload.auth.scope is not None
        return _open_by_credential(identity.application_credential, scoped, address)
    raise BadRequest(f"auth.identity.{method}: Field required")


def _open_by_password(user: PasswordUser, scope: Scope, address: str, passcode: str | None = None) -> str:
    """The second factor is of the user whom the password names; whom its own part names is not asked."""
    if user.id is not None:
        return sessions.open_by_password(user.id, user.password, scope, address=address, passcode=passcode)
    if user.name is None or user.domain is None:
        raise BadRequest("auth.identity.password.user: id, or name and domain required")
    # Who is not in that domain is nobody: an address that no account can have takes as long as any other.
    name = user.name if _lives_in(user.name, user.domain) else f"{user.name}@@"
    return sessions.open_by_password(name, user.password, scope, address=address, passcode=passcode)


def _lives_in(name: str, domain: DomainRef) -> bool:
    row = User.objects.select_related("entry__domain").filter(username=name.strip().lower()).first()
    return row is None or shapes.domain_id(entries.domain_of(row)) == _domain_id(domain)


def _domain_id(given: DomainRef) -> str:
    """Raises Unauthorized for one that there is not."""
    try:
        row = domains.find(given.id) if given.id is not None else domains.named(given.name or "")
    except ItemNotFound:
        raise sessions.refusal() from None
    return shapes.domain_id(row)


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
    if given.system is not None:
        return Scope(wide=effective.SYSTEM)
    if given.domain is not None:
        return Scope(wide=f"{effective.DOMAIN}{_domain_id(given.domain)}")
    if given.project is None:
        raise BadRequest("auth.scope: project required")
    if given.project.id is not None:
        return Scope(project_id=given.project.id)
    if given.project.name is None or given.project.domain is None:
        raise BadRequest("auth.scope.project: id, or name and domain required")
    return Scope(project_name=given.project.name, project_domain=_domain_id(given.project.domain))
