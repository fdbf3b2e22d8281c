"""``/v3/users/{id}/application_credentials``."""

from __future__ import annotations

import datetime
from typing import Any

from django.http import HttpResponse, JsonResponse
from ninja import Router

from synnefo.astakos.accounts import credentials
from synnefo.astakos.identity.v3 import shapes
from synnefo.astakos.identity.v3.api import caller, listed, nothing, refusal, root_url, with_name
from synnefo.astakos.identity.v3.schemas import NewCredentialRequest, RoleRef
from synnefo.astakos.identity.v3.users import user_for
from synnefo.astakos.roles.effective import FIXED
from synnefo.common.faults import NotImplementedFault

router = Router()

_CREDENTIALS = "/users/{user_id}/application_credentials"


@router.get(_CREDENTIALS)
def list_credentials(request: Any, user_id: str) -> HttpResponse:
    user = user_for(request.auth, user_id, "list_application_credentials")
    rows = with_name(request, credentials.credentials_of(user))
    return listed(request, "application_credentials", rows, shapes.credential)


@router.post(_CREDENTIALS)
def create_credential(request: Any, user_id: str, payload: NewCredentialRequest) -> HttpResponse:
    """By its user himself. Roles that administrators made up are not passed on."""
    grant, given = request.auth, payload.application_credential
    user = user_for(grant, user_id, "create_application_credential")
    if user.pk != grant.user_id:
        raise refusal("create_application_credential")
    if given.access_rules:
        raise NotImplementedFault("application_credential.access_rules: not offered here")
    expires = given.expires_at
    row, secret = credentials.create(
        caller(request, grant),
        grant,
        name=given.name,
        description=given.description or "",
        secret=given.secret,
        roles=_role_names(given.roles) or sorted(grant.roles & FIXED.keys()),
        expires=expires.replace(tzinfo=datetime.UTC) if expires and expires.tzinfo is None else expires,
        unrestricted=given.unrestricted,
    )
    shown = {**shapes.credential(row, root_url(request)), "secret": secret}
    return JsonResponse({"application_credential": shown}, status=201)


@router.get(_CREDENTIALS + "/{credential_id}")
def show_credential(request: Any, user_id: str, credential_id: str) -> HttpResponse:
    row = credentials.get(user_for(request.auth, user_id, "get_application_credential"), credential_id)
    return JsonResponse({"application_credential": shapes.credential(row, root_url(request))})


@router.delete(_CREDENTIALS + "/{credential_id}")
def delete_credential(request: Any, user_id: str, credential_id: str) -> HttpResponse:
    grant = request.auth
    user = user_for(grant, user_id, "delete_application_credential")
    credentials.delete(caller(request, grant), grant, user, credential_id)
    return nothing()


def _role_names(roles: list[RoleRef] | None) -> list[str]:
    """Empty where the client leaves it to us: all roles of the token."""
    return [role.id or role.name or "" for role in roles or ()]
