"""Network v2.0: the noun's routes put together, and what belongs to no noun."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from synnefo.common.caller import Scope
from synnefo.common.faults import Conflict, ItemNotFound, OverLimit
from synnefo.common.http.facade import authenticated, facade
from synnefo.common.http.rendering import neutron, render
from synnefo.cyclades.networks.api.openstack import ZONE
from synnefo.cyclades.networks.api.openstack import router as networks
from synnefo.cyclades.openstack import kit, quotas

_UPDATED = "2013-01-20T00:00:00-00:00"
_EXTENSIONS = {
    "availability_zone": ("Availability Zone", "Zones in which networks are made"),
    "external-net": ("Neutron external network", "Networks that floating IPs come from"),
    "net-mtu": ("Network MTU", "The MTU of a network"),
    "network_availability_zone": ("Network Availability Zone", "Zones of a network"),
    "port-security": ("Port Security", "Guests use only the addresses of their ports"),
    "project-id": ("project_id field enabled", "project_id beside tenant_id"),
    "quotas": ("Quota management support", "Limits of a project"),
    "quota_details": ("Quota details management support", "Limits of a project with what is used"),
    "standard-attr-description": ("standard-attr-description", "Descriptions"),
    "standard-attr-timestamp": ("Resource timestamps", "Times of creation and change"),
}
#: Neutron's quotas on things that this cloud does not have.
_ABSENT = ("router", "security_group", "security_group_rule", "subnetpool", "rbac_policy")

router = Router()


@router.get("/extensions")
def list_extensions(request: HttpRequest) -> HttpResponse:
    return kit.answer({"extensions": [_extension(alias) for alias in _EXTENSIONS]})


@router.get("/extensions/{alias}")
def show_extension(request: HttpRequest, alias: str) -> HttpResponse:
    if alias not in _EXTENSIONS:
        raise ItemNotFound(f"Extension with alias {alias} does not exist")
    return kit.answer({"extension": _extension(alias)})


@router.get("/quotas/{project_id}")
def show_quota(request: HttpRequest, project_id: str) -> HttpResponse:
    found = _quota_of(request, project_id)
    return kit.answer({"quota": {name: amount.limit for name, amount in found.items()}})


@router.get("/quotas/{project_id}/details")
@router.get("/quotas/{project_id}/details.json", url_name="quota-details-json")
def show_quota_with_use(request: HttpRequest, project_id: str) -> HttpResponse:
    shown = {}
    for name, amount in _quota_of(request, project_id).items():
        shown[name] = {"limit": amount.limit, "used": amount.used, "reserved": amount.reserved}
    return kit.answer({"quota": shown})


@router.get("/availability_zones")
def list_zones(request: HttpRequest) -> HttpResponse:
    zone = {"name": ZONE, "resource": "network", "state": "available"}
    return kit.answer({"availability_zones": [zone]})


@router.get("/security-groups")
def list_security_groups(request: HttpRequest) -> HttpResponse:
    """There are none yet."""
    return kit.answer({"security_groups": []})


@router.get("/security-group-rules")
def list_security_group_rules(request: HttpRequest) -> HttpResponse:
    return kit.answer({"security_group_rules": []})


api = facade("network", neutron, auth=authenticated(Scope.PROJECT), version="2.0")
for part in (networks, router):
    api.add_router("/v2.0", part)


@api.get("/", auth=None)
def versions(request: HttpRequest) -> HttpResponse:
    links = [{"rel": "self", "href": kit.address(request, "network/v2.0/")}]
    return kit.answer({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})


@api.get("/v2.0", auth=None)
@api.get("/v2.0/", auth=None, url_name="version-with-slash")
def version(request: HttpRequest) -> HttpResponse:
    """The collections that there are."""
    collections = {"network": "networks", "subnet": "subnets", "port": "ports", "floatingip": "floatingips"}
    shown = []
    for name, collection in collections.items():
        links = [{"rel": "self", "href": kit.address(request, f"network/v2.0/{collection}")}]
        shown.append({"name": name, "collection": collection, "links": links})
    return kit.answer({"resources": shown})


@api.exception_handler(OverLimit)
def quota_exceeded(request: HttpRequest, fault: OverLimit) -> HttpResponse:
    """Neutron answers 409 OverQuota where quota does not allow a thing."""
    refusal = Conflict(f"Quota exceeded: {fault.message}")
    refusal.name = "overQuota"
    return render(request, refusal, neutron)


def _quota_of(request: HttpRequest, project_id: str) -> dict[str, quotas.Amount]:
    found = quotas.amounts_of(kit.caller_of(request), project_id)
    unlimited, none = quotas.Amount(quotas.UNLIMITED), quotas.Amount(0)
    counted = {"network": found["networks"], "floatingip": found["floating_ips"]}
    return {**counted, "subnet": unlimited, "port": unlimited, **dict.fromkeys(_ABSENT, none)}


def _extension(alias: str) -> dict[str, Any]:
    name, description = _EXTENSIONS[alias]
    return {"alias": alias, "name": name, "description": description, "links": [], "updated": _UPDATED}
