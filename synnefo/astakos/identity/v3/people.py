"""``/v3/users``, ``/v3/projects``, ``/v3/domains``, ``/v3/roles``: looking things up.

A member sees himself and the projects he works in; an administrator sees all.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from ninja import Router

from synnefo.astakos.accounts import tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.identity.v3 import shapes
from synnefo.astakos.identity.v3.api import root_url
from synnefo.astakos.identity.v3.schemas import Text
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Project
from synnefo.common.faults import ItemNotFound
from synnefo.common.ids import parse_uuid

router = Router()


@router.get("/users")
def list_users(
    request: Any, name: Text | None = None, domain_id: Text | None = None, enabled: bool | None = None
) -> HttpResponse:
    rows = users_for(request.auth).order_by("username")
    if name is not None:
        rows = rows.filter(username=name.lower())
    if enabled is not None:
        rows = rows.filter(is_active=enabled)
    return _listed(request, "users", rows if _here(domain_id) else rows.none(), shapes.user)


@router.get("/users/{user_id}")
def show_user(request: Any, user_id: str) -> HttpResponse:
    return JsonResponse({"user": shapes.user(user_for(request.auth, user_id), root_url(request))})


@router.get("/users/{user_id}/projects")
def list_projects_of_user(request: Any, user_id: str) -> HttpResponse:
    rows = projects.projects_of(user_for(request.auth, user_id))
    return _listed(request, "projects", rows, shapes.project)


@router.get("/projects")
def list_projects(
    request: Any, name: Text | None = None, domain_id: Text | None = None, enabled: bool | None = None
) -> HttpResponse:
    rows = projects_for(request.auth)
    if name is not None:
        rows = rows.filter(name=name)
    if enabled is not None:
        normal = {"state": Project.State.NORMAL}
        rows = rows.filter(**normal) if enabled else rows.exclude(**normal)
    return _listed(request, "projects", rows if _here(domain_id) else rows.none(), shapes.project)


@router.get("/projects/{project_id}")
def show_project(request: Any, project_id: str) -> HttpResponse:
    row = projects_for(request.auth).filter(uuid=parse_uuid(project_id)).first()
    if row is None:
        raise ItemNotFound(f"Could not find project: {project_id}.")
    return JsonResponse({"project": shapes.project(row, root_url(request))})


@router.get("/domains")
def list_domains(request: Any, name: Text | None = None) -> HttpResponse:
    root = root_url(request)
    rows = [shapes.domain(root)] if name is None or name.lower() == "default" else []
    return JsonResponse(shapes.listing("domains", rows, f"{root}/domains"))


@router.get("/domains/{domain_id}")
def show_domain(request: Any, domain_id: str) -> HttpResponse:
    if domain_id != shapes.DOMAIN_ID:
        raise ItemNotFound(f"Could not find domain: {domain_id}.")
    return JsonResponse({"domain": shapes.domain(root_url(request))})


@router.get("/roles")
def list_roles(request: Any, name: Text | None = None) -> HttpResponse:
    root = root_url(request)
    rows = [shapes.role(known, root) for known in shapes.ROLES if name in (None, known)]
    return JsonResponse(shapes.listing("roles", rows, f"{root}/roles"))


@router.get("/roles/{role_id}")
def show_role(request: Any, role_id: str) -> HttpResponse:
    if role_id not in shapes.ROLES:
        raise ItemNotFound(f"Could not find role: {role_id}.")
    return JsonResponse({"role": shapes.role(role_id, root_url(request))})


def users_for(grant: tokens.Grant) -> QuerySet[User]:
    """The one door to users."""
    if tokens.ADMIN_ROLE in grant.roles:
        return User.objects.filter(email_verified=True)
    return User.objects.filter(pk=grant.user_id)


def user_for(grant: tokens.Grant, uuid: str) -> User:
    row = users_for(grant).filter(uuid=parse_uuid(uuid)).first()
    if row is None:
        raise ItemNotFound(f"Could not find user: {uuid}.")
    return row


def projects_for(grant: tokens.Grant) -> QuerySet[Project]:
    """The one door to projects."""
    if tokens.ADMIN_ROLE in grant.roles:
        return Project.objects.filter(state__in=Project.INITIALIZED).order_by("-is_base", "realname", "pk")
    return projects.projects_of(User.objects.get(pk=grant.user_id))


def _here(domain_id: str | None) -> bool:
    return domain_id in (None, shapes.DOMAIN_ID)


def _listed(request: Any, kind: str, rows: QuerySet[Any], shape: Any) -> HttpResponse:
    root, most = root_url(request), settings.SYNNEFO_MAX_PAGE
    found = list(rows[: most + 1])
    shown = [shape(row, root) for row in found[:most]]
    return JsonResponse(shapes.listing(kind, shown, f"{root}/{kind}", truncated=len(found) > most))
