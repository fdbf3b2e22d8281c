"""Access keys (``credentials/OS-EC2``), and tokens for services that were shown a signed request.

Only administrators exchange a signature for a token: a signed URL that was given to somebody is no sign-in.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from ninja import Router

from synnefo.astakos.accounts import tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.accounts.sessions import SIGNATURE_METHOD
from synnefo.astakos.identity.v3 import auth, shapes
from synnefo.astakos.identity.v3.api import caller, listed, nothing, refusal, require_admin, root_url
from synnefo.astakos.identity.v3.projects import project_for
from synnefo.astakos.identity.v3.schemas import Ec2Credentials, Ec2Request, NewAccessKey, S3Request
from synnefo.astakos.identity.v3.users import user_for
from synnefo.astakos.keys import rules, signatures
from synnefo.astakos.keys.models import AccessKey
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.common.http.context import client_address

router = Router()

_KEYS = "/users/{user_id}/credentials/OS-EC2"


@router.get(_KEYS)
def list_keys(request: Any, user_id: str) -> HttpResponse:
    rows = rules.keys_of(_owner(request, user_id, "ec2_list_credentials"))
    return listed(request, "credentials", rows, _shown, "access")


@router.post(_KEYS)
def create_key(request: Any, user_id: str, payload: NewAccessKey) -> HttpResponse:
    user = _owner(request, user_id, "ec2_create_credential")
    project = project_for(request.auth, payload.tenant_id, "ec2_create_credential")
    row, secret = rules.create(caller(request, request.auth), user, project)
    shown = shapes.access_key(row, secret, root_url(request))
    return JsonResponse({"credential": shown}, status=201)


@router.get(_KEYS + "/{access}")
def show_key(request: Any, user_id: str, access: str) -> HttpResponse:
    row = rules.get(_owner(request, user_id, "ec2_get_credential"), access)
    return JsonResponse({"credential": _shown(row, root_url(request))})


@router.delete(_KEYS + "/{access}")
def delete_key(request: Any, user_id: str, access: str) -> HttpResponse:
    user = _owner(request, user_id, "ec2_delete_credential")
    rules.delete(caller(request, request.auth), user, access)
    return nothing()


@router.post("/ec2tokens")
def ec2_token(request: Any, payload: Ec2Request) -> HttpResponse:
    require_admin(request, "ec2tokens_validate")
    given = payload.credentials or payload.ec2Credentials
    if given is None:
        raise BadRequest("credentials: Field required")
    _require_fresh(given)
    found = rules.check(
        given.access, given.signature, lambda secret: _signed(given, secret), address=client_address(request)
    )
    return _token(request, found)


@router.post("/s3tokens")
def s3_token(request: Any, payload: S3Request) -> HttpResponse:
    require_admin(request, "s3tokens_validate")
    given = payload.credentials
    try:
        text = base64.b64decode(given.token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("credentials.token: not base64") from error
    found = rules.check(
        given.access,
        given.signature,
        lambda secret: signatures.of_string(text, secret),
        address=client_address(request),
    )
    return _token(request, found)


def _token(request: HttpRequest, row: AccessKey) -> HttpResponse:
    token = rules.open_token(row)
    response = auth.answer(request, tokens.lookup(token))
    response["X-Subject-Token"] = token
    return response


def _owner(request: Any, user_id: str, action: str) -> User:
    """Keys and their secrets are their user's own affair; no program makes itself some by a narrower token.

    Raises ItemNotFound, Forbidden.
    """
    grant = request.auth
    user = user_for(grant, user_id, action)
    if user.pk != grant.user_id:
        raise refusal(action)
    if grant.application_credential_id is not None or SIGNATURE_METHOD in grant.methods or grant.is_limited:
        raise Forbidden("Access keys are managed by their user himself, not by a program for him.")
    return user


def _shown(row: AccessKey, root: str) -> dict[str, Any]:
    return shapes.access_key(row, rules.secret_of(row), root)


def _require_fresh(given: Ec2Credentials) -> None:
    headers = {name.lower(): value for name, value in given.headers.items()}
    params = given.params
    said = params.get("Timestamp") or params.get("X-Amz-Date") or headers.get("x-amz-date")
    if said:
        signatures.require_fresh(said, timezone.now())


def _signed(given: Ec2Credentials, secret: str) -> str:
    return signatures.of_query(
        secret,
        verb=given.verb,
        host=given.host,
        path=given.path,
        params=given.params,
        body_hash=given.body_hash,
        headers=given.headers,
    )
