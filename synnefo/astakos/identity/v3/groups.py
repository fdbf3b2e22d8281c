"""``/v3/groups``: groups of users. Administrators see and change all, others those that they are in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from ninja import Router

from synnefo.astakos.directory import domains, groups
from synnefo.astakos.identity.v3 import shapes
from synnefo.astakos.identity.v3.api import (
    listed,
    nothing,
    require_admin,
    require_sight,
    root_url,
    with_name,
)
from synnefo.astakos.identity.v3.schemas import GroupChange, GroupRequest, changes_of
from synnefo.astakos.identity.v3.users import everybody, in_domain, user_for
from synnefo.common.faults import Forbidden, ItemNotFound

router = Router()


@router.get("/groups")
def list_groups(request: Any) -> HttpResponse:
    require_sight(request, "list_groups")
    return listed(request, "groups", in_domain(request, with_name(request, _groups())), shapes.group, "pk")


@router.post("/groups")
def create_group(request: Any, payload: GroupRequest) -> HttpResponse:
    caller, given = require_admin(request, "create_group"), payload.group
    row = groups.create(
        caller,
        given.name,
        domain=domains.find(given.domain_id or domains.DEFAULT),
        description=given.description or "",
        extra=given.extra,
    )
    return JsonResponse({"group": shapes.group(row, root_url(request))}, status=201)


@router.get("/groups/{group_id}")
def show_group(request: Any, group_id: str) -> HttpResponse:
    require_sight(request, "get_group")
    return JsonResponse({"group": shapes.group(group_of(group_id), root_url(request))})


@router.patch("/groups/{group_id}")
def modify_group(request: Any, group_id: str, payload: GroupChange) -> HttpResponse:
    caller, row = require_admin(request, "update_group"), group_of(group_id)
    changes, home = changes_of(payload.group), shapes.group(row, "")["domain_id"]
    if changes.pop("domain_id", home) != home:
        raise Forbidden("A group stays in its domain.")
    return JsonResponse({"group": shapes.group(groups.modify(caller, row, changes), root_url(request))})


@router.delete("/groups/{group_id}")
def delete_group(request: Any, group_id: str) -> HttpResponse:
    groups.delete(require_admin(request, "delete_group"), group_of(group_id))
    return nothing()


@router.get("/groups/{group_id}/users")
def list_users_of_group(request: Any, group_id: str) -> HttpResponse:
    require_sight(request, "list_users_in_group")
    rows = with_name(request, everybody().filter(groups=group_of(group_id)), "username")
    return listed(request, "users", rows, shapes.user)


@router.api_operation(["GET", "HEAD"], "/groups/{group_id}/users/{user_id}")
def is_in_group(request: Any, group_id: str, user_id: str) -> HttpResponse:
    require_sight(request, "check_user_in_group")
    groups.require_member(group_of(group_id), user_for(request.auth, user_id, "check_user_in_group"))
    return nothing()


@router.put("/groups/{group_id}/users/{user_id}")
def add_to_group(request: Any, group_id: str, user_id: str) -> HttpResponse:
    caller = require_admin(request, "add_user_to_group")
    groups.add(caller, group_of(group_id), user_for(request.auth, user_id, "add_user_to_group"))
    return nothing()


@router.delete("/groups/{group_id}/users/{user_id}")
def remove_from_group(request: Any, group_id: str, user_id: str) -> HttpResponse:
    caller = require_admin(request, "remove_user_from_group")
    groups.remove(caller, group_of(group_id), user_for(request.auth, user_id, "remove_user_from_group"))
    return nothing()


@router.get("/users/{user_id}/groups")
def list_groups_of_user(request: Any, user_id: str) -> HttpResponse:
    user = user_for(request.auth, user_id, "list_groups_for_user")
    return listed(request, "groups", with_name(request, _groups().filter(user=user)), shapes.group, "pk")


def group_of(number: str) -> Group:
    """Raises ItemNotFound."""
    good = number.isascii() and number.isdigit() and len(number) < 19
    row = _groups().filter(pk=int(number)).first() if good else None
    if row is None:
        raise ItemNotFound(f"Could not find group: {number}.")
    return row


def _groups() -> QuerySet[Group]:
    return Group.objects.select_related("entry__domain")
