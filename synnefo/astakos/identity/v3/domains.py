"""``/v3/domains``: ``default``, where everybody is who is in no other, and those that administrators made."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from ninja import Router

from synnefo.astakos.directory import domains
from synnefo.astakos.directory.models import Domain
from synnefo.astakos.identity.v3 import shapes
from synnefo.astakos.identity.v3.api import (
    argument,
    flag,
    listed,
    nothing,
    refusal,
    require_admin,
    root_url,
    sees_all,
    told,
    with_name,
)
from synnefo.astakos.identity.v3.schemas import DomainChange, DomainRequest, changes_of
from synnefo.common.faults import Forbidden

router = Router()


@router.get("/domains")
def list_domains(request: Any) -> HttpResponse:
    rows = Domain.objects.all() if sees_all(request.auth) else Domain.objects.none()
    rows = with_name(request, rows)
    enabled, name = flag(request, "enabled"), argument(request, "name")
    if enabled is not None:
        rows = rows.filter(disabled_at__isnull=enabled)
    if argument(request, "marker") or enabled is False or name not in (None, "Default", "default"):
        return listed(request, "domains", rows, shapes.domain)
    shown = [shapes.domain(row, root_url(request)) for row in (None, *rows.order_by("pk"))]
    return told(request, "domains", shown if name is None else shown[:1])


@router.post("/domains")
def create_domain(request: Any, payload: DomainRequest) -> HttpResponse:
    caller, given = require_admin(request, "create_domain"), payload.domain
    row = domains.create(caller, given.name, given.description or "", given.tags, enabled=given.enabled)
    return JsonResponse({"domain": shapes.domain(row, root_url(request))}, status=201)


@router.get("/domains/{domain_id}")
def show_domain(request: Any, domain_id: str) -> HttpResponse:
    row = domain_for(request, domain_id, "get_domain")
    return JsonResponse({"domain": shapes.domain(row, root_url(request))})


@router.patch("/domains/{domain_id}")
def modify_domain(request: Any, domain_id: str, payload: DomainChange) -> HttpResponse:
    caller = require_admin(request, "update_domain")
    row = domains.modify(caller, made_up(domain_id), changes_of(payload.domain))
    return JsonResponse({"domain": shapes.domain(row, root_url(request))})


@router.delete("/domains/{domain_id}")
def delete_domain(request: Any, domain_id: str) -> HttpResponse:
    domains.delete(require_admin(request, "delete_domain"), made_up(domain_id))
    return nothing()


def domain_for(request: Any, uuid: str, action: str) -> Domain | None:
    """A domain that one may look at: ``default``, one's own, one's project's. Raises Forbidden."""
    grant = request.auth
    own = {domains.DEFAULT, grant.user__entry__domain__uuid, grant.project__entry__domain__uuid}
    if uuid not in own and not sees_all(grant):
        raise refusal(action)
    return domains.find(uuid)


def made_up(uuid: str) -> Domain:
    """One that can be changed. Raises ItemNotFound, Forbidden."""
    row = domains.find(uuid)
    if row is None:
        raise Forbidden("The domain default is part of the cloud and stays as it is.")
    return row
