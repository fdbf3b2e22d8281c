"""``/v3/roles`` and what they imply. Everybody may look at them, administrators change those they made up."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from ninja import Router

from synnefo.astakos.directory import domains
from synnefo.astakos.identity.v3 import shapes
from synnefo.astakos.identity.v3.api import argument, nothing, require_admin, root_url, told
from synnefo.astakos.identity.v3.schemas import RoleChange, RoleRequest, changes_of
from synnefo.astakos.roles import rules
from synnefo.astakos.roles.models import Role

router = Router()


@router.get("/roles")
def list_roles(request: Any) -> HttpResponse:
    name, domain = argument(request, "name"), argument(request, "domain_id")
    rows = rules.roles(domains.find(domain) if domain else None)
    found = [shapes.role(row, root_url(request)) for row in rows if name in (None, row.name)]
    return told(request, "roles", found)


@router.post("/roles")
def create_role(request: Any, payload: RoleRequest) -> HttpResponse:
    caller, given = require_admin(request, "create_role"), payload.role
    domain = domains.find(given.domain_id) if given.domain_id else None
    row = rules.create(
        caller, given.name, domain=domain, description=given.description or "", options=given.options
    )
    return JsonResponse({"role": shapes.role(row, root_url(request))}, status=201)


@router.get("/roles/{role_id}")
def show_role(request: Any, role_id: str) -> HttpResponse:
    return JsonResponse({"role": shapes.role(rules.get(role_id), root_url(request))})


@router.patch("/roles/{role_id}")
def modify_role(request: Any, role_id: str, payload: RoleChange) -> HttpResponse:
    caller = require_admin(request, "update_role")
    row = rules.modify(caller, rules.get(role_id), changes_of(payload.role))
    return JsonResponse({"role": shapes.role(row, root_url(request))})


@router.delete("/roles/{role_id}")
def delete_role(request: Any, role_id: str) -> HttpResponse:
    rules.delete(require_admin(request, "delete_role"), rules.get(role_id))
    return nothing()


@router.get("/roles/{role_id}/implies")
def list_implied(request: Any, role_id: str) -> HttpResponse:
    prior = rules.get(role_id)
    (shown,) = _inferences(request, rules.implications(prior))
    return JsonResponse({"role_inference": shown, "links": {"self": request.build_absolute_uri()}})


@router.get("/role_inferences")
def list_inferences(request: Any) -> HttpResponse:
    return told(request, "role_inferences", _inferences(request, rules.implications()))


@router.get("/roles/{role_id}/implies/{implied_id}")
def show_implied(request: Any, role_id: str, implied_id: str) -> HttpResponse:
    prior, implied = rules.get(role_id), rules.get(implied_id)
    rules.require_implication(prior, implied)
    return JsonResponse(_inference(request, prior, implied))


@router.api_operation(["HEAD"], "/roles/{role_id}/implies/{implied_id}")
def is_implied(request: Any, role_id: str, implied_id: str) -> HttpResponse:
    rules.require_implication(rules.get(role_id), rules.get(implied_id))
    return nothing()


@router.put("/roles/{role_id}/implies/{implied_id}")
def imply(request: Any, role_id: str, implied_id: str) -> HttpResponse:
    caller = require_admin(request, "create_implied_role")
    prior, implied = rules.get(role_id), rules.get(implied_id)
    rules.imply(caller, prior, implied)
    return JsonResponse(_inference(request, prior, implied), status=201)


@router.delete("/roles/{role_id}/implies/{implied_id}")
def imply_no_more(request: Any, role_id: str, implied_id: str) -> HttpResponse:
    caller = require_admin(request, "delete_implied_role")
    rules.imply_no_more(caller, rules.get(role_id), rules.get(implied_id))
    return nothing()


def _inference(request: Any, prior: Role, implied: Role) -> dict[str, Any]:
    root = root_url(request)
    told = {"prior_role": shapes.role_in_short(prior, root), "implies": shapes.role_in_short(implied, root)}
    return {"role_inference": told, "links": {"self": f"{root}/roles/{prior.uuid}/implies/{implied.uuid}"}}


def _inferences(request: Any, found: dict[str, list[str]]) -> list[dict[str, Any]]:
    root = root_url(request)
    rows = rules.by_id({*found, *(role for implied in found.values() for role in implied)})
    return [
        {
            "prior_role": shapes.role_in_short(rows[prior], root),
            "implies": [shapes.role_in_short(rows[role], root) for role in implied if role in rows],
        }
        for prior, implied in found.items()
    ]
