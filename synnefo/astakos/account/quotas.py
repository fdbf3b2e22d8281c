"""Resources and quota, for users and for services."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.http import HttpRequest, HttpResponse

from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog.models import Component, Resource
from synnefo.astakos.plain import service_token, user_token
from synnefo.astakos.projects.models import Membership, Project
from synnefo.astakos.quotas import reading
from synnefo.astakos.quotas.models import Holding
from synnefo.common.accounts import QuotaUse
from synnefo.common.faults import ItemNotFound
from synnefo.common.http.plain import answer


def resources(request: HttpRequest) -> HttpResponse:
    """GET resources: open to all."""
    return answer(
        {
            row.name: {
                "service": row.service_origin,
                "description": row.description,
                "unit": row.unit or None,
                "ui_visible": row.ui_visible,
                "api_visible": row.api_visible,
            }
            for row in Resource.objects.filter(api_visible=True).order_by("name")
        }
    )


def own(request: HttpRequest) -> HttpResponse:
    """GET quotas: the caller's share of each of his projects; ``detail`` says what of both binds."""
    grant = user_token(request)
    members = Membership.objects.filter(person=grant.user_id, state__in=Membership.ACTUALLY_ACCEPTED)
    projects = members.filter(project__state__in=Project.INITIALIZED).values_list("project__uuid", flat=True)
    names = Resource.objects.filter(api_visible=True).values_list("name", flat=True)
    found = reading.of_user(grant.user__uuid, projects=projects, resources=names)
    shown = _bound if request.GET.get("detail", "").lower() in ("1", "true", "yes") else _uses
    return answer({uuid: shown(uses) for uuid, uses in found.items()})


def of_users(request: HttpRequest) -> HttpResponse:
    """GET service_quotas: users' shares of what the calling component offers."""
    component = service_token(request)
    wanted = _list(request, "user")
    verified = User.objects.filter(email_verified=True)
    if wanted is not None:
        verified = verified.filter(uuid__in=wanted)
    known = set(verified.values_list("uuid", flat=True))
    found = reading.of_users(
        None if wanted is None else known,
        projects=_initialized(_list(request, "project")),
        resources=_resources_of(component),
    )
    found = {user: uses for user, uses in found.items() if user in known}
    if wanted is not None and not found:
        raise ItemNotFound(f"No user with UUID '{','.join(wanted)}'")
    return answer(
        {user: {uuid: _uses(uses) for uuid, uses in by_project.items()} for user, by_project in found.items()}
    )


def of_projects(request: HttpRequest) -> HttpResponse:
    """GET service_project_quotas: pools of what the calling component offers."""
    component = service_token(request)
    wanted = _list(request, "project")
    found = reading.of_projects(_initialized(wanted), resources=_resources_of(component))
    if wanted is not None and not found:
        raise ItemNotFound(f"No project with UUID '{','.join(wanted)}'")
    return answer({uuid: {name: _pool(row) for name, row in rows.items()} for uuid, rows in found.items()})


def _list(request: HttpRequest, name: str) -> list[str] | None:
    given = request.GET.get(name)
    return None if given is None else [part.replace("\x00", "") for part in given.split(",")]


def _initialized(wanted: list[str] | None) -> list[str] | None:
    """Those of a list that were started once; all that have quota were, so of all it is no question."""
    if wanted is None:
        return None
    rows = Project.objects.filter(state__in=Project.INITIALIZED, uuid__in=wanted)
    return list(rows.values_list("uuid", flat=True))


def _resources_of(component: Component) -> list[str]:
    origins = component.services.values("name")
    return list(Resource.objects.filter(service_origin__in=origins).values_list("name", flat=True))


def _uses(uses: dict[str, QuotaUse]) -> dict[str, Any]:
    return {name: dataclasses.asdict(use) for name, use in sorted(uses.items())}


def _bound(uses: dict[str, QuotaUse]) -> dict[str, Any]:
    return {name: {**dataclasses.asdict(use), **reading.bound(use)} for name, use in sorted(uses.items())}


def _pool(row: Holding) -> dict[str, int]:
    return {
        "project_limit": row.limit,
        "project_usage": row.usage_max,
        "project_pending": row.usage_max - row.usage_min,
    }
