"""``/v3/projects`` with their tags: administrators see and change all, others see those they work in."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router

from synnefo.astakos.accounts import tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.directory import domains, projects
from synnefo.astakos.directory.models import Domain
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
    told,
    with_name,
)
from synnefo.astakos.identity.v3.schemas import (
    NewProject,
    ProjectChange,
    ProjectRequest,
    Tag,
    TagsRequest,
    changes_of,
)
from synnefo.astakos.identity.v3.users import in_domain, user_for
from synnefo.astakos.projects.models import Project
from synnefo.astakos.roles import effective
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound, NotImplementedFault
from synnefo.common.ids import parse_uuid

router = Router()


@router.get("/projects")
def list_projects(request: Any) -> HttpResponse:
    require_sight(request, "list_projects")
    if flag(request, "is_domain"):
        return listed(request, "projects", with_name(request, Domain.objects.all()), shapes.domain_as_project)
    rows = in_domain(request, with_name(request, _alive(), "name"))
    if (enabled := flag(request, "enabled")) is not None:
        normal = Q(state=Project.State.NORMAL)
        rows = rows.filter(normal if enabled else ~normal)
    if any(name in request.GET for name in ("tags", "tags-any", "not-tags", "not-tags-any")):
        raise NotImplementedFault("Projects cannot be found by their tags here.")
    return listed(request, "projects", _below(request, rows), shapes.project)


@router.post("/projects")
def create_project(request: Any, payload: ProjectRequest) -> HttpResponse:
    caller, given = require_admin(request, "create_project"), payload.project
    root = root_url(request)
    if given.is_domain:
        made = domains.create(caller, given.name, given.description or "", given.tags, enabled=given.enabled)
        return JsonResponse({"project": shapes.domain_as_project(made, root)}, status=201)
    domain, parent = _place(given)
    row = projects.create(
        caller,
        given.name,
        domain=domain,
        parent=parent,
        description=given.description or "",
        enabled=given.enabled,
        tags=given.tags,
        options=given.options,
        extra=given.extra,
    )
    return JsonResponse({"project": shapes.project(row, root)}, status=201)


@router.get("/projects/{project_id}")
def show_project(request: Any, project_id: str) -> HttpResponse:
    root = root_url(request)
    acting = _acting_domain(request, project_id)
    if acting is not None:
        return JsonResponse({"project": shapes.domain_as_project(acting, root)})
    row = project_for(request.auth, project_id, "get_project")
    return JsonResponse({"project": shapes.project(row, root)})


@router.patch("/projects/{project_id}")
def modify_project(request: Any, project_id: str, payload: ProjectChange) -> HttpResponse:
    caller, changes = require_admin(request, "update_project"), changes_of(payload.project)
    root = root_url(request)
    acting = _acting_domain(request, project_id)
    if acting is not None:
        acting = domains.modify(caller, acting, changes)
        return JsonResponse({"project": shapes.domain_as_project(acting, root)})
    row = project_for(request.auth, project_id, "update_project")
    shown = shapes.project(row, root)
    for fixed in changes.keys() & {"domain_id", "parent_id", "is_domain"}:
        if changes.pop(fixed) != shown[fixed]:
            raise Forbidden(f"A project's {fixed} stays as it is.")
    return JsonResponse({"project": shapes.project(_read(projects.modify(caller, row, changes)), root)})


@router.delete("/projects/{project_id}")
def delete_project(request: Any, project_id: str) -> HttpResponse:
    caller = require_admin(request, "delete_project")
    acting = _acting_domain(request, project_id)
    if acting is not None:
        domains.delete(caller, acting)
    else:
        projects.delete(caller, project_for(request.auth, project_id, "delete_project"))
    return nothing()


@router.get("/users/{user_id}/projects")
def list_projects_of_user(request: Any, user_id: str) -> HttpResponse:
    user = user_for(request.auth, user_id, "list_user_projects")
    return listed(
        request,
        "projects",
        in_domain(request, with_name(request, open_to(request.auth, user))),
        shapes.project,
    )


@router.get("/projects/{project_id}/tags")
def list_tags(request: Any, project_id: str) -> HttpResponse:
    return told(request, "tags", _tags(request, project_id, "list_project_tags"))


@router.put("/projects/{project_id}/tags")
def replace_tags(request: Any, project_id: str, payload: TagsRequest) -> HttpResponse:
    return told(request, "tags", _retag(request, project_id, payload.tags))


@router.delete("/projects/{project_id}/tags")
def delete_tags(request: Any, project_id: str) -> HttpResponse:
    _retag(request, project_id, [])
    return nothing()


@router.api_operation(["GET", "HEAD"], "/projects/{project_id}/tags/{tag}")
def has_tag(request: Any, project_id: str, tag: Tag) -> HttpResponse:
    _require_tag(_tags(request, project_id, "get_project_tag"), tag)
    return nothing()


@router.put("/projects/{project_id}/tags/{tag}")
def add_tag(request: Any, project_id: str, tag: Tag) -> HttpResponse:
    tags = _tags(request, project_id, "create_project_tag")
    _retag(request, project_id, [*tags, *({tag} - set(tags))])
    return HttpResponse(status=201)


@router.delete("/projects/{project_id}/tags/{tag}")
def delete_tag(request: Any, project_id: str, tag: Tag) -> HttpResponse:
    tags = _tags(request, project_id, "delete_project_tag")
    _require_tag(tags, tag)
    _retag(request, project_id, [one for one in tags if one != tag])
    return nothing()


def open_to(grant: tokens.Grant, user: User) -> QuerySet[Project]:
    """Projects that a user can have a token for; of a token that is for one alone, that one."""
    rows = _alive().filter(pk__in=effective.open_to(user).values("pk"))
    return rows.filter(uuid=grant.project__uuid) if grant.confined else rows


def project_for(grant: tokens.Grant, uuid: str, action: str) -> Project:
    """The one door to projects. Raises Forbidden for what is not one's own, ItemNotFound."""
    known = parse_uuid(uuid)
    if not sees_all(grant):
        own = Q(pk__in=open_to(grant, User.objects.get(pk=grant.user_id)).values("pk"))
        owned = Q(owner=grant.user_id) if not grant.confined else Q()
        row = _alive().filter(own | owned, uuid=known).first()
        if row is None:
            raise refusal(action)
        return row
    row = _alive().filter(uuid=known).first()
    if row is None:
        raise ItemNotFound(f"Could not find project: {uuid}.")
    return row


def _alive() -> QuerySet[Project]:
    return Project.objects.filter(state__in=Project.ALIVE).select_related("entry__domain", "entry__parent")


def _read(row: Project) -> Project:
    return _alive().get(pk=row.pk)


def _below(request: HttpRequest, rows: QuerySet[Project]) -> QuerySet[Project]:
    """Narrowed by ``parent_id``, which is a project's, or a domain's for what is right below that."""
    parent = argument(request, "parent_id")
    if parent is None:
        return rows
    right_below = Q(entry__isnull=True) | Q(entry__parent__isnull=True)
    if parent == domains.DEFAULT:
        return rows.filter(right_below, Q(entry__isnull=True) | Q(entry__domain__isnull=True))
    return rows.filter(Q(entry__parent__uuid=parent) | (right_below & Q(entry__domain__uuid=parent)))


def _place(given: NewProject) -> tuple[Domain | None, Project | None]:
    """The domain and the parent of a new project. Raises BadRequest."""
    parent = None
    if given.parent_id not in (None, given.domain_id, domains.DEFAULT):
        parent = _alive().filter(uuid=parse_uuid(given.parent_id or "")).first()
        if parent is None and given.domain_id is not None:
            raise BadRequest("project.parent_id: no such project")
    if parent is not None and given.domain_id is None:
        return parent.entry.domain if hasattr(parent, "entry") else None, parent
    named = given.domain_id or (given.parent_id if parent is None else None)
    return domains.find(named or domains.DEFAULT), parent


def _acting_domain(request: Any, uuid: str) -> Domain | None:
    return Domain.objects.filter(uuid=uuid).first() if sees_all(request.auth) else None


def _tags(request: Any, project_id: str, action: str) -> Any:
    return shapes.project(project_for(request.auth, project_id, action), "")["tags"]


def _retag(request: Any, project_id: str, tags: list[str]) -> Any:
    caller = require_admin(request, "update_project_tags")
    row = project_for(request.auth, project_id, "update_project_tags")
    return shapes.project(_read(projects.modify(caller, row, {"tags": tags})), "")["tags"]


def _require_tag(tags: list[str], tag: str) -> None:
    if tag not in tags:
        raise ItemNotFound(f"Could not find project tag: {tag}.")
