"""Users in identity v2.0, for programs of administrators: members of ``ASTAKOS_ADMIN_API_PERMITTED_GROUPS``.

It is there only where ``ASTAKOS_ADMIN_API_ENABLED`` says so. Users made here are accepted at once.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string
from pydantic import BaseModel

from synnefo.astakos.accounts import rules, terms, tokens
from synnefo.astakos.accounts.models import Token, User
from synnefo.astakos.methods.models import LOCAL, AuthMethod
from synnefo.astakos.plain import user_token
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound
from synnefo.common.http.context import client_address
from synnefo.common.http.plain import answer, json_object, parsed
from synnefo.common.ids import parse_uuid
from synnefo.common.transactions import atomic

_PASSWORD_LENGTH = 16


class NewUser(BaseModel):
    username: str
    first_name: str
    last_name: str
    password: str | None = None
    affiliation: str = ""
    metadata: dict[str, Any] = {}


class Creation(BaseModel):
    user: NewUser


class Changes(BaseModel):
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    password: str | None = None
    metadata: dict[str, Any] | None = None


class Change(BaseModel):
    user: Changes


def index(request: HttpRequest) -> HttpResponse:
    _administrator(request)
    return answer({"users": [_brief(row) for row in _rows()]})


def detail(request: HttpRequest) -> HttpResponse:
    _administrator(request)
    return answer({"users": [_full(row) for row in _rows()]})


def create(request: HttpRequest) -> HttpResponse:
    """POST users: the password and a token are answered, this once."""
    caller = _administrator(request)
    wanted = parsed(Creation, json_object(request)).user
    if not (wanted.first_name.strip() and wanted.last_name.strip()):
        raise BadRequest("A user has a first and a last name.")
    password = wanted.password or get_random_string(_PASSWORD_LENGTH)
    with atomic():
        user = rules.create(caller, wanted.username, wanted.first_name, wanted.last_name, password=password)
        user = rules.accept(caller, rules.verify(caller, user), tells=False)
        terms.sign(caller, user)
        _describe(user, wanted.affiliation, wanted.metadata)
        token, _ = tokens.create_api_token(caller, user, "")
    return answer({"user": {"id": user.uuid, "password": password, "auth_token": token}})


def show(request: HttpRequest, uuid: str) -> HttpResponse:
    _administrator(request)
    return answer({"user": _full(_user(uuid))})


def change(request: HttpRequest, uuid: str) -> HttpResponse:
    """PUT users/<uuid>: what is named, all of it or nothing."""
    caller = _administrator(request)
    user = _user(uuid)
    wanted = parsed(Change, json_object(request)).user
    with atomic():
        if wanted.first_name is not None or wanted.last_name is not None:
            names = (wanted.first_name, user.first_name), (wanted.last_name, user.last_name)
            rules.set_names(caller, user, *(new if new is not None else old for new, old in names))
        if wanted.username is not None:
            rules.set_email(caller, user, wanted.username)
        if wanted.password is not None:
            rules.set_password(caller, user, wanted.password)
        if wanted.metadata is not None:
            _describe(user, None, wanted.metadata)
    return answer({"user": _full(_user(uuid))})


def act(request: HttpRequest, uuid: str) -> HttpResponse:
    """POST users/<uuid>/action: one of ``_ACTIONS``."""
    caller = _administrator(request)
    user = _user(uuid)
    body = json_object(request)
    found = [name for name in body if name in _ACTIONS]
    if len(found) != 1 or len(body) != 1:
        raise BadRequest(f"Name one action: {', '.join(_ACTIONS)}.")
    (name,) = found
    return answer({"user": {"id": user.uuid, **_ACTIONS[name](caller, user, body[name])}})


def _activate(caller: Caller, user: User, said: Any) -> dict[str, Any]:
    return {"is_active": rules.activate(caller, user).is_active}


def _deactivate(caller: Caller, user: User, said: Any) -> dict[str, Any]:
    reason = said.get("reason", "") if isinstance(said, dict) else ""
    if not isinstance(reason, str):
        raise BadRequest("A reason is text.")
    return {"is_active": rules.deactivate(caller, user, reason=reason).is_active}


def _renew_token(caller: Caller, user: User, said: Any) -> dict[str, Any]:
    return {"auth_token": tokens.renew(caller, user)}


def _sign_terms(caller: Caller, user: User, said: Any) -> dict[str, Any]:
    return {"has_signed_terms": terms.sign(caller, user).has_signed_terms}


def _set_default_project(caller: Caller, user: User, said: Any) -> dict[str, Any]:
    uuid = said.get("project_id") if isinstance(said, dict) else said
    if not isinstance(uuid, str) or parse_uuid(uuid) is None:
        raise BadRequest("project_id: the uuid of a project.")
    return {"default_project": rules.set_default_project(caller, user, uuid).default_project}


_ACTIONS = {
    "activate": _activate,
    "deactivate": _deactivate,
    "renewToken": _renew_token,
    "signTerms": _sign_terms,
    "setDefaultProject": _set_default_project,
}


def _administrator(request: HttpRequest) -> Caller:
    """Who asks. Raises BadRequest where there is no such API, Unauthorized, Forbidden."""
    if not settings.ASTAKOS_ADMIN_API_ENABLED:
        raise BadRequest("API endpoint not found")
    grant = user_token(request)
    groups = User.objects.get(pk=grant.user_id).groups
    if not groups.filter(name__in=settings.ASTAKOS_ADMIN_API_PERMITTED_GROUPS).exists():
        raise Forbidden("You are in no group that may use this.")
    return Caller(
        user=grant.user__uuid,
        project=grant.user__default_project,
        name=grant.user__username,
        request_id=getattr(request, "id", ""),
        address=client_address(request),
    )


def _rows() -> QuerySet[User]:
    rows = User.objects.filter(removed_at=None).order_by("pk").prefetch_related("groups", "auth_methods")
    of_programs = Q(tokens__kind=Token.Kind.API, tokens__application_credential=None)
    return rows.annotate(token_ends=Max("tokens__expires", filter=of_programs))


def _user(uuid: str) -> User:
    row = _rows().filter(uuid=parse_uuid(uuid) or "").first()
    if row is None:
        raise ItemNotFound("No such user.")
    return row


def _describe(user: User, affiliation: str | None, metadata: dict[str, Any]) -> None:
    """What the caller keeps about somebody's way to sign in by password."""
    row = AuthMethod.objects.get_or_create(user=user, module=LOCAL, defaults={"identifier": ""})[0]
    row.info = metadata
    row.affiliation = row.affiliation if affiliation is None else affiliation[:255]
    row.save()


def _brief(row: User) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "email": row.email,
        "is_active": row.is_active,
        "is_rejected": row.is_rejected,
        "rejected_reason": row.rejected_reason or None,
        "deactivated_reason": row.deactivated_reason or None,
        "accepted_policy": row.accepted_policy or None,
        "roles": sorted(group.name for group in row.groups.all()),
        "authentication_methods": [_method(row, one) for one in row.auth_methods.all()],
    }


def _full(row: Any) -> dict[str, Any]:
    moments = {
        "date_joined": row.date_joined,
        "moderated_at": row.moderated_at,
        "verified_at": row.verified_at,
        "auth_token_expires": row.token_ends,
    }
    shown = {name: at.isoformat() if at is not None else None for name, at in moments.items()}
    return {**_brief(row), **shown}


def _method(row: User, method: AuthMethod) -> dict[str, Any]:
    return {
        "identifier": row.email if method.module == LOCAL else method.identifier,
        "active": method.active,
        "affiliation": method.affiliation,
        "backend": method.module,
        "metadata": method.info,
    }
