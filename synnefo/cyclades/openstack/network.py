"""Network v2.0: the noun's routes put together, and what belongs to no noun."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router

from synnefo.common.caller import Scope
from synnefo.common.faults import Conflict, ItemNotFound, OverLimit
from synnefo.common.http.facade import authenticated, facade
from synnefo.common.http.rendering import neutron, render
from synnefo.cyclades.networks.api.openstack import ZONE
from synnefo.cyclades.networks.api.openstack import router as networks
from synnefo.cyclades.networks.models import Port, SecurityGroup, SecurityRule, Subnet
from synnefo.cyclades.networks.models import Router as RouterRow
from synnefo.cyclades.openstack import kit, quotas

_UPDATED = "2013-01-20T00:00:00-00:00"
_EXTENSIONS = {
    "allowed-address-pairs": ("Allowed Address Pairs", "Addresses that a port uses besides its own"),
    "availability_zone": ("Availability Zone", "Zones in which networks are made"),
    "ext-gw-mode": ("Neutron L3 Configurable external gateway mode", "Routers with and without translation"),
    "external-net": ("Neutron external network", "Networks that floating IPs come from"),
    "extraroute": ("Neutron Extra Route", "Routes of routers"),
    "extraroute-atomic": ("Atomically add/remove extra routes", "Routes of routers, one by one"),
    "fip-port-details": ("Add port_details attribute to Floating IP resource", "Where floating IPs lead to"),
    "ip-substring-filtering": ("IP address substring filtering", "Ports by parts of their addresses"),
    "net-mtu": ("Network MTU", "The MTU of a network"),
    "net-mtu-writable": ("Network MTU (writable)", "The MTU of a network, as asked for"),
    "network-ip-availability": ("Network IP Availability", "How many addresses of networks are in use"),
    "network_availability_zone": ("Network Availability Zone", "Zones of a network"),
    "pagination": ("Pagination support", "Lists in pages"),
    "port-security": ("Port Security", "Guests use only the addresses of their ports"),
    "port-security-groups-filtering": ("Port filtering on security groups", "Ports by security group"),
    "project-id": ("project_id field enabled", "project_id beside tenant_id"),
    "quotas": ("Quota management support", "Limits of a project"),
    "quota_details": ("Quota details management support", "Limits of a project with what is used"),
    "router": ("Neutron L3 Router", "Routers between networks, and floating IPs"),
    "router_availability_zone": ("Router Availability Zone", "Zones of a router"),
    "security-group": ("security-group", "Rules of what comes to ports and leaves them"),
    "sorting": ("Sorting support", "Lists in an order"),
    "standard-attr-description": ("standard-attr-description", "Descriptions"),
    "standard-attr-timestamp": ("Resource timestamps", "Times of creation and change"),
    "subnet-external-network": (
        "Subnet belongs to external network",
        "Subnets of external networks are seen",
    ),
}
_COLLECTIONS = {
    "network": "networks",
    "subnet": "subnets",
    "port": "ports",
    "floatingip": "floatingips",
    "router": "routers",
    "security_group": "security-groups",
    "security_group_rule": "security-group-rules",
    "network_ip_availability": "network-ip-availabilities",
}
#: Neutron's quotas on things that this cloud does not have.
_ABSENT = ("subnetpool", "rbac_policy")

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
    shown = []
    for name, collection in _COLLECTIONS.items():
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
    """Charged things as Astakos counts them, others by the settings' limits."""
    found = quotas.amounts_of(kit.caller_of(request), project_id)
    project, unlimited = kit.wanted_id(project_id), quotas.UNLIMITED
    groups = SecurityGroup.objects.filter(project=project)
    own = {
        "subnet": (unlimited, Subnet.objects.filter(network__project=project, network__public=False)),
        "port": (unlimited, Port.objects.filter(project=project)),
        "router": (settings.CYCLADES_MAX_ROUTERS, RouterRow.objects.filter(project=project)),
        "security_group": (settings.CYCLADES_MAX_SECURITY_GROUPS, groups),
        "security_group_rule": (
            settings.CYCLADES_MAX_SECURITY_RULES,
            SecurityRule.objects.filter(group__in=groups),
        ),
    }
    return {
        "network": found["networks"],
        "floatingip": found["floating_ips"],
        **{name: quotas.Amount(limit, rows.count()) for name, (limit, rows) in own.items()},
        **dict.fromkeys(_ABSENT, quotas.Amount(0)),
    }


def _extension(alias: str) -> dict[str, Any]:
    name, description = _EXTENSIONS[alias]
    return {"alias": alias, "name": name, "description": description, "links": [], "updated": _UPDATED}
