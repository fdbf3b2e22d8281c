"""Subnets in network v2.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from synnefo.common.faults import BadRequest
from synnefo.cyclades.networks import allocation, rules
from synnefo.cyclades.networks.models import Subnet
from synnefo.cyclades.openstack import kit, neutron

router = Router()

_COLUMNS = {
    "name": "name",
    "description": "description",
    "tenant_id": "network__project",
    "project_id": "network__project",
    "network_id": "network__uuid",
    "cidr": "cidr",
    "gateway_ip": "gateway",
    "ipv6_ra_mode": "ipv6_mode",
    "ipv6_address_mode": "ipv6_mode",
}


class Run(kit.Body):
    start: kit.Text
    end: kit.Text


class Route(kit.Body):
    destination: kit.Text
    nexthop: kit.Text


class SubnetFilters(neutron.Listing):
    network_id: list[kit.Text] | None = None
    cidr: list[kit.Text] | None = None
    gateway_ip: list[kit.Text] | None = None
    ip_version: int | None = None
    enable_dhcp: bool | None = None
    ipv6_ra_mode: list[kit.Text] | None = None
    ipv6_address_mode: list[kit.Text] | None = None


class NewSubnet(neutron.NewInProject):
    network_id: kit.Text
    cidr: kit.Text
    ip_version: int = 4
    name: kit.Text = ""
    description: kit.Text = ""
    gateway_ip: kit.Text | None = ""
    allocation_pools: list[Run] | None = None
    enable_dhcp: kit.Flag = True
    dns_nameservers: list[kit.Text] = Field(default_factory=list)
    host_routes: list[Route] = Field(default_factory=list)
    ipv6_ra_mode: kit.Text | None = None
    ipv6_address_mode: kit.Text | None = None

    @property
    def mode(self) -> str:
        """How guests come to IPv6 addresses. Raises BadRequest for two ways at once."""
        modes = {mode for mode in (self.ipv6_ra_mode, self.ipv6_address_mode) if mode}
        if len(modes) > 1:
            raise BadRequest("Invalid input: ipv6_ra_mode and ipv6_address_mode must be the same.")
        return modes.pop() if modes else ""


class NewSubnetBody(kit.Body):
    subnet: NewSubnet | None = None
    subnets: list[NewSubnet] | None = Field(None, min_length=1, max_length=50)


class SubnetChanges(kit.Body):
    """``gateway_ip`` null takes the gateway away; left out, it stays."""

    name: kit.Text | None = None
    description: kit.Text | None = None
    enable_dhcp: kit.Flag | None = None
    dns_nameservers: list[kit.Text] | None = None
    host_routes: list[Route] | None = None
    allocation_pools: list[Run] | None = None
    gateway_ip: kit.Text | None = ""


class SubnetChangesBody(kit.Body):
    subnet: SubnetChanges


@router.get("/subnets")
def list_subnets(request: HttpRequest, filters: Query[SubnetFilters]) -> HttpResponse:
    rows = rules.subnets_for(neutron.lister(request, filters)).filter(network__deleting=False)
    rows = neutron.matching(rows, filters, **_COLUMNS)
    if filters.ip_version is not None:
        rows = rows.filter(ip_version=filters.ip_version)
    if filters.enable_dhcp is not None:
        rows = rows.filter(dhcp=filters.enable_dhcp)
    views = neutron.each(subnet_view)
    return neutron.listed(request, "subnets", rows, filters, views, cidr="cidr", ip_version="ip_version")


@router.post("/subnets")
def create_subnet(request: HttpRequest, body: NewSubnetBody) -> HttpResponse:
    caller = neutron.caller_of(request)

    def make(wanted: NewSubnet) -> Subnet:
        maker, network = wanted.maker(caller), kit.known_id(wanted.network_id, "Network")
        neutron.check_project(maker, caller, rules.get(caller, network).project)
        kit.only("ip_version", wanted.ip_version, 4, 6)
        return rules.create_subnet(
            maker,
            network,
            cidr=wanted.cidr,
            version=wanted.ip_version,
            name=wanted.name,
            description=wanted.description,
            gateway=wanted.gateway_ip,
            dhcp=kit.is_true(wanted.enable_dhcp),
            dns_nameservers=wanted.dns_nameservers,
            host_routes=_routes(wanted.host_routes) or (),
            pools=_runs(wanted.allocation_pools),
            ipv6_mode=wanted.mode,
        )

    def unmake(subnet: Subnet) -> None:
        rules.delete_subnet(caller, subnet.uuid)

    return neutron.created(body.subnet, body.subnets, "subnet", make, subnet_view, unmake)


@router.get("/subnets/{subnet_id}")
def show_subnet(request: HttpRequest, subnet_id: str, selection: Query[neutron.Selection]) -> HttpResponse:
    found = rules.get_subnet(neutron.caller_of(request), kit.known_id(subnet_id, "Subnet"))
    return kit.answer({"subnet": selection.of(subnet_view(found))})


@router.put("/subnets/{subnet_id}")
def update_subnet(request: HttpRequest, subnet_id: str, body: SubnetChangesBody) -> HttpResponse:
    wanted = body.subnet
    changed = rules.update_subnet(
        neutron.caller_of(request),
        kit.known_id(subnet_id, "Subnet"),
        name=wanted.name,
        description=wanted.description,
        dhcp=kit.said(wanted.enable_dhcp),
        dns_nameservers=wanted.dns_nameservers,
        host_routes=_routes(wanted.host_routes),
        pools=_runs(wanted.allocation_pools),
        gateway=wanted.gateway_ip,
    )
    return kit.answer({"subnet": subnet_view(changed)})


@router.delete("/subnets/{subnet_id}")
def delete_subnet(request: HttpRequest, subnet_id: str) -> HttpResponse:
    rules.delete_subnet(neutron.caller_of(request), kit.known_id(subnet_id, "Subnet"))
    return kit.empty(204)


def subnet_view(subnet: Subnet) -> dict[str, Any]:
    space = subnet.range
    return {
        "id": subnet.uuid,
        "name": subnet.name,
        "description": subnet.description,
        "tenant_id": subnet.network.project,
        "project_id": subnet.network.project,
        "network_id": subnet.network.uuid,
        "ip_version": subnet.ip_version,
        "cidr": subnet.cidr,
        "gateway_ip": subnet.gateway,
        "enable_dhcp": subnet.dhcp,
        "dns_nameservers": subnet.dns_nameservers,
        "host_routes": subnet.host_routes,
        "allocation_pools": [
            {"start": allocation.address_text(low, space), "end": allocation.address_text(high, space)}
            for low, high in subnet.pools
        ],
        "ipv6_ra_mode": subnet.ipv6_mode or None,
        "ipv6_address_mode": subnet.ipv6_mode or None,
        "subnetpool_id": None,
        "service_types": [],
        "tags": [],
        "created_at": kit.stamp(subnet.created),
        "updated_at": kit.stamp(subnet.updated),
    }


def _runs(pools: Sequence[Run] | None) -> list[tuple[str, str]] | None:
    return None if pools is None else [(pool.start, pool.end) for pool in pools]


def _routes(routes: Sequence[Route] | None) -> list[dict[str, str]] | None:
    return None if routes is None else [route.model_dump() for route in routes]
