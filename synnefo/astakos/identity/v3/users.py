"""``/v3/users``: administrators see and change all, others see themselves and change their password."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router

from synnefo.astakos.accounts import login, tokens
from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts.models import User
from synnefo.astakos.directory import domains, users
from synnefo.astakos.identity.v3 import shapes
from synnefo.astakos.identity.v3.api import (
    argument,
    flag,
    listed,
    nothing,
    refusal,
    require_admin,
    require_sight,
    root_url,
    sees_all,
    with_name,
)
from synnefo.astakos.identity.v3.schemas import PasswordChange, UserChange, UserRequest, changes_of
from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden, ItemNotFound, Unauthorized
from synnefo.common.http.context import client_address
from synnefo.common.ids import parse_uuid

router = Router()

_DESCRIBED = frozenset({"description", "default_project", "options", "extra"})


@router.get("/users")
def list_users(request: Any) -> HttpResponse:
    require_sight(request, "list_users")
    rows = with_name(request, everybody(), "username__iexact" if "name" in request.GET else "username")
    if (enabled := flag(request, "enabled")) is not None:
        rows = rows.filter(is_active=enabled)
    return listed(request, "users", in_domain(request, rows), shapes.user)


@router.post("/users")
def create_user(request: Any, payload: UserRequest) -> HttpResponse:
    caller, given = require_admin(request, "create_user"), payload.user
    changes = changes_of(given)
    row = users.create(
        caller,
        given.name,
        domain=domains.find(given.domain_id or domains.DEFAULT),
        password=given.password,
        email=given.email,
        enabled=given.enabled,
        changes={key: value for key, value in changes.items() if key in _DESCRIBED},
    )
    return JsonResponse({"user": shapes.user(row, root_url(request))}, status=201)


@router.get("/users/{user_id}")
def show_user(request: Any, user_id: str) -> HttpResponse:
    row = user_for(request.auth, user_id, "get_user")
    return JsonResponse({"user": shapes.user(row, root_url(request))})


@router.patch("/users/{user_id}")
def modify_user(request: Any, user_id: str, payload: UserChange) -> HttpResponse:
    caller = require_admin(request, "update_user")
    row, changes = user_for(request.auth, user_id, "update_user"), changes_of(payload.user)
    if changes.pop("domain_id", shapes.user(row, "")["domain_id"]) != shapes.user(row, "")["domain_id"]:
        raise Forbidden("A user stays in his domain.")
    row = users.modify(caller, row, changes)
    return JsonResponse({"user": shapes.user(row, root_url(request))})


@router.delete("/users/{user_id}")
def delete_user(request: Any, user_id: str) -> HttpResponse:
    caller = require_admin(request, "delete_user")
    users.delete(caller, user_for(request.auth, user_id, "delete_user"))
    return nothing()


@router.post("/users/{user_id}/password", auth=None)
def change_password(request: HttpRequest, user_id: str, payload: PasswordChange) -> HttpResponse:
    """By whoever knows the old password, with or without a token. Raises Unauthorized, BadRequest."""
    given, address = payload.user, client_address(request)
    user = login.by_password(parse_uuid(user_id) or "nobody", given.original_password, address=address)
    if user is None:
        raise Unauthorized("The request you have made requires authentication.")
    caller = Caller(
        user=user.uuid, project=user.default_project, name=user.username,
        request_id=getattr(request, "id", ""), address=address,
    )  # fmt: skip
    accounts.set_password(caller, user, given.password)
    return nothing()


def everybody() -> QuerySet[User]:
    """Verified users who were not removed."""
    rows = User.objects.filter(email_verified=True, removed_at=None)
    return rows.select_related("entry__domain")


def user_for(grant: tokens.Grant, uuid: str, action: str) -> User:
    """The one door to users: oneself, or for administrators everybody. Raises Forbidden, ItemNotFound."""
    known = parse_uuid(uuid)
    if known != grant.user__uuid and not sees_all(grant):
        raise refusal(action)
    row = everybody().filter(uuid=known).first()
    if row is None:
        raise ItemNotFound(f"Could not find user: {uuid}.")
    return row


def in_domain(request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rows with entries, narrowed by ``domain_id``."""
    uuid = argument(request, "domain_id")
    if uuid is None:
        return rows
    if uuid == domains.DEFAULT:
        return rows.filter(Q(entry__isnull=True) | Q(entry__domain__isnull=True))
    return rows.filter(entry__domain__uuid=uuid)
