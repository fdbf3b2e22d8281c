"""Who has which role where: grants in projects, domains and the system, and the list of all.

Administrators give and take every role; the owner of a project its membership, as its rules allow.
"""

from __future__ import annotations

import itertools
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.http import HttpResponse
from ninja import Router

from synnefo.astakos.accounts.models import User
from synnefo.astakos.directory import domains
from synnefo.astakos.identity.v3 import shapes
from synnefo.astakos.identity.v3.api import (
    argument,
    caller,
    flag,
    is_admin,
    nothing,
    refusal,
    require_sight,
    root_url,
    sees_all,
    told,
)
from synnefo.astakos.identity.v3.groups import group_of
from synnefo.astakos.identity.v3.projects import project_for
from synnefo.astakos.identity.v3.users import everybody, user_for
from synnefo.astakos.roles import assigning, rules
from synnefo.astakos.roles.assigning import At, Wanted
from synnefo.astakos.roles.models import Role
from synnefo.common.faults import BadRequest, ItemNotFound, NotImplementedFault
from synnefo.common.ids import parse_uuid

router = Router()

_IN = "/{places}/{place_id}/{actors}/{actor_id}/roles"
_SYSTEM = "/system/{actors}/{actor_id}/roles"


@router.get("/role_assignments")
def list_assignments(request: Any) -> HttpResponse:
    wanted = _wanted(request)
    if wanted.user is None or wanted.user.pk != request.auth.user_id:
        require_sight(request, "list_role_assignments")
    found = assigning.assignments(wanted, effective=bool(flag(request, "effective")))
    most, root = settings.SYNNEFO_MAX_PAGE, root_url(request)
    rows = list(itertools.islice(found, most + 1))
    names = rules.by_id({held.role for held in rows}) if flag(request, "include_names") else None
    shown = [shapes.assignment(row, root, names) for row in rows[:most]]
    return told(request, "role_assignments", shown, truncated=len(rows) > most)


@router.get(_IN)
def list_roles(request: Any, places: str, place_id: str, actors: str, actor_id: str) -> HttpResponse:
    at, who = _at(request, places, place_id), _who(request, actors, actor_id)
    if not (isinstance(who, User) and who.pk == request.auth.user_id):
        require_sight(request, "list_grants")
    found = rules.by_id(set(assigning.roles_of(who, at)))
    return told(request, "roles", [shapes.role(row, root_url(request)) for row in found.values()])


@router.api_operation(["GET", "HEAD"], _IN + "/{role_id}")
def has_role(
    request: Any, places: str, place_id: str, actors: str, actor_id: str, role_id: str
) -> HttpResponse:
    require_sight(request, "check_grant")
    role = rules.get(role_id)
    assigning.require(role, _who(request, actors, actor_id), _at(request, places, place_id))
    return nothing()


@router.put(_IN + "/{role_id}")
def grant(request: Any, places: str, place_id: str, actors: str, actor_id: str, role_id: str) -> HttpResponse:
    _require_right(request, "create_grant", places, role_id)
    role = rules.get(role_id)
    at, who = _at(request, places, place_id), _who(request, actors, actor_id, any_user=True)
    assigning.grant(caller(request, request.auth), role, who, at)
    return nothing()


@router.delete(_IN + "/{role_id}")
def revoke(
    request: Any, places: str, place_id: str, actors: str, actor_id: str, role_id: str
) -> HttpResponse:
    _require_right(request, "revoke_grant", places, role_id)
    role = rules.get(role_id)
    at, who = _at(request, places, place_id), _who(request, actors, actor_id, any_user=True)
    assigning.revoke(caller(request, request.auth), role, who, at)
    return nothing()


@router.get(_SYSTEM)
def list_system_roles(request: Any, actors: str, actor_id: str) -> HttpResponse:
    return list_roles(request, "system", "", actors, actor_id)


@router.api_operation(["GET", "HEAD"], _SYSTEM + "/{role_id}")
def has_system_role(request: Any, actors: str, actor_id: str, role_id: str) -> HttpResponse:
    return has_role(request, "system", "", actors, actor_id, role_id)


@router.put(_SYSTEM + "/{role_id}")
def grant_in_system(request: Any, actors: str, actor_id: str, role_id: str) -> HttpResponse:
    return grant(request, "system", "", actors, actor_id, role_id)


@router.delete(_SYSTEM + "/{role_id}")
def revoke_in_system(request: Any, actors: str, actor_id: str, role_id: str) -> HttpResponse:
    return revoke(request, "system", "", actors, actor_id, role_id)


def _require_right(request: Any, action: str, places: str, role_id: str) -> None:
    """Membership is the matter of projects' rules, which know owners; all else of administrators."""
    if not is_admin(request.auth) and not (places == "projects" and role_id == "member"):
        raise refusal(action)


def _at(request: Any, places: str, place_id: str) -> At:
    """Raises ItemNotFound, Forbidden."""
    if places == "system":
        return At()
    if places == "projects":
        return At(project=project_for(request.auth, place_id, "get_project"))
    if places != "domains":
        raise ItemNotFound("The resource could not be found.")
    if not sees_all(request.auth):
        raise refusal("get_domain")
    row = domains.find(place_id)
    return At(domain=row.uuid if row is not None else domains.DEFAULT)


def _who(request: Any, actors: str, actor_id: str, *, any_user: bool = False) -> User | Group:
    """Raises ItemNotFound, Forbidden. Whoever may enroll somebody need not be allowed to look at him."""
    if actors == "groups":
        require_sight(request, "get_group")
        return group_of(actor_id)
    if actors != "users":
        raise ItemNotFound("The resource could not be found.")
    if not any_user:
        return user_for(request.auth, actor_id, "get_user")
    row = everybody().filter(uuid=parse_uuid(actor_id)).first()
    if row is None:
        raise ItemNotFound(f"Could not find user: {actor_id}.")
    return row


def _wanted(request: Any) -> Wanted:
    """The filters of the list. Raises ItemNotFound for what they name, BadRequest, Forbidden."""
    if argument(request, "scope.OS-INHERIT:inherited_to"):
        raise NotImplementedFault("Roles are not inherited here.")
    user, group = argument(request, "user.id"), argument(request, "group.id")
    project, domain = argument(request, "scope.project.id"), argument(request, "scope.domain.id")
    system = argument(request, "scope.system") is not None
    if sum((bool(project), bool(domain), system)) > 1 or (user and group):
        raise BadRequest("Give one scope, and a user or a group.")
    at = None
    if project or domain or system:
        places = "projects" if project else "domains" if domain else "system"
        at = _at(request, places, project or domain or "")
    role: Role | None = rules.get(named) if (named := argument(request, "role.id")) else None
    return Wanted(
        user=user_for(request.auth, user, "get_user") if user else None,
        group=group_of(group) if group else None,
        role=role.uuid if role is not None else None,
        at=at,
    )
