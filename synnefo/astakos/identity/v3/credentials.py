"""``/v3/users/{id}/application_credentials``."""

from __future__ import annotations

import datetime
from typing import Any

from django.http import HttpResponse, JsonResponse
from ninja import Router

from synnefo.astakos.accounts import credentials
from synnefo.astakos.identity.v3 import shapes
from synnefo.astakos.identity.v3.api import caller, root_url
from synnefo.astakos.identity.v3.people import user_for
from synnefo.astakos.identity.v3.schemas import NewCredentialRequest, RoleRef, Text
from synnefo.common.faults import BadRequest, Forbidden

router = Router()


@router.get("/users/{user_id}/application_credentials")
def list_credentials(request: Any, user_id: str, name: Text | None = None) -> HttpResponse:
    root = root_url(request)
    rows = credentials.credentials_of(user_for(request.auth, user_id))
    if name is not None:
        rows = rows.filter(name=name)
    shown = [shapes.credential(row, root) for row in rows]
    url = f"{root}/users/{user_id}/application_credentials"
    return JsonResponse(shapes.listing("application_credentials", shown, url))


@router.post("/users/{user_id}/application_credentials")
def create_credential(request: Any, user_id: str, payload: NewCredentialRequest) -> HttpResponse:
    grant, given = request.auth, payload.application_credential
    user = user_for(grant, user_id)
    if user.pk != grant.user_id:
        raise Forbidden("Application credentials are made by their user himself.")
    if given.access_rules:
        raise BadRequest("application_credential.access_rules: not supported here")
    expires = given.expires_at
    row, secret = credentials.create(
        caller(request, grant),
        grant,
        name=given.name,
        description=given.description or "",
        secret=given.secret,
        roles=_role_names(given.roles),
        expires=expires.replace(tzinfo=datetime.UTC) if expires and expires.tzinfo is None else expires,
        unrestricted=given.unrestricted,
    )
    shown = {**shapes.credential(row, root_url(request)), "secret": secret}
    return JsonResponse({"application_credential": shown}, status=201)


@router.get("/users/{user_id}/application_credentials/{credential_id}")
def show_credential(request: Any, user_id: str, credential_id: str) -> HttpResponse:
    row = credentials.get(user_for(request.auth, user_id), credential_id)
    return JsonResponse({"application_credential": shapes.credential(row, root_url(request))})


@router.delete("/users/{user_id}/application_credentials/{credential_id}")
def delete_credential(request: Any, user_id: str, credential_id: str) -> HttpResponse:
    grant = request.auth
    credentials.delete(caller(request, grant), grant, user_for(grant, user_id), credential_id)
    return HttpResponse(status=204)


def _role_names(roles: list[RoleRef] | None) -> list[str] | None:
    """None where the client leaves it to us: all roles of the token."""
    return [role.id or role.name or "" for role in roles] if roles else None
