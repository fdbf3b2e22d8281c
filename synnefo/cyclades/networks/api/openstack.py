"""Networks and subnets in network v2.0, and the router of all of the noun's routes."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from synnefo.common.faults import BadRequest
from synnefo.cyclades.networks import allocation, rules
from synnefo.cyclades.networks.api import openstack_floating, openstack_ports
from synnefo.cyclades.networks.models import Network, Subnet
from synnefo.cyclades.openstack import kit, neutron

router = Router()
router.add_router("", openstack_ports.router)
router.add_router("", openstack_floating.router)

ZONE = "nova"
MTU = 1500
_SUBNET_COLUMNS = {
    "name": "name",
    "description": "description",
    "tenant_id": "network__project",
    "project_id": "network__project",
    "network_id": "network__uuid",
    "cidr": "cidr",
    "gateway_ip": "gateway",
}


class NetworkFilters(neutron.Listing):
    status: list[kit.Text] | None = None
    external: bool | None = Field(None, alias="router:external")
    shared: bool | None = None
    admin_state_up: bool | None = None


class NewNetwork(neutron.NewInProject):
    name: kit.Text = ""
    description: kit.Text = ""
    admin_state_up: bool | None = None
    external: bool = Field(False, alias="router:external")
    shared: bool = False
    mtu: int | None = None
    port_security_enabled: bool | None = None
    availability_zone_hints: list[kit.Text] = Field(default_factory=list)


class NewNetworkBody(kit.Body):
    network: NewNetwork


class NetworkChanges(kit.Body):
    name: kit.Text | None = None
    description: kit.Text | None = None
    admin_state_up: bool | None = None
    mtu: int | None = None
    port_security_enabled: bool | None = None


class NetworkChangesBody(kit.Body):
    network: NetworkChanges


class Pool(kit.Body):
    start: kit.Text
    end: kit.Text


class SubnetFilters(neutron.Listing):
    network_id: list[kit.Text] | None = None
    cidr: list[kit.Text] | None = None
    gateway_ip: list[kit.Text] | None = None
    ip_version: int | None = None
    enable_dhcp: bool | None = None


class NewSubnet(neutron.NewInProject):
    network_id: kit.Text
    cidr: kit.Text
    ip_version: int = 4
    name: kit.Text = ""
    description: kit.Text = ""
    gateway_ip: kit.Text | None = ""
    allocation_pools: list[Pool] | None = None
    enable_dhcp: bool = True
    dns_nameservers: list[kit.Text] = Field(default_factory=list)
    host_routes: list[Any] = Field(default_factory=list, max_length=0)


class NewSubnetBody(kit.Body):
    subnet: NewSubnet


class SubnetChanges(kit.Body):
    name: kit.Text | None = None
    description: kit.Text | None = None
    enable_dhcp: bool | None = None
    dns_nameservers: list[kit.Text] | None = None


class SubnetChangesBody(kit.Body):
    subnet: SubnetChanges


@router.get("/networks")
def list_networks(request: HttpRequest, filters: Query[NetworkFilters]) -> HttpResponse:
    rows = _networks_of(rules.networks_for(kit.caller_of(request)))
    rows = neutron.matching(rows, filters, name="name", description="description", status="state")
    if filters.external is not None:
        rows = rows.filter(floating_ip_pool=filters.external)
    if filters.shared is not None:
        rows = rows.filter(public=filters.shared)
    if filters.admin_state_up is False:
        rows = rows.none()
    return neutron.listed(request, "networks", rows, filters, network_view)


@router.post("/networks")
def create_network(request: HttpRequest, body: NewNetworkBody) -> HttpResponse:
    caller, wanted = kit.caller_of(request), body.network
    wanted.check_project(caller)
    _check_constants(wanted)
    for hint in wanted.availability_zone_hints:
        kit.only("availability_zone_hints", hint, ZONE)
    if wanted.shared and not wanted.external:
        raise BadRequest("Invalid input for shared: only external networks are shared by all projects.")
    made = rules.create(
        caller,
        name=wanted.name,
        description=wanted.description,
        public=wanted.external,
        floating_ip_pool=wanted.external,
    )
    return kit.answer({"network": network_view(made)}, 201)


@router.get("/networks/{network_id}")
def show_network(request: HttpRequest, network_id: str, selection: Query[neutron.Selection]) -> HttpResponse:
    found = rules.get(kit.caller_of(request), kit.known_id(network_id, "Network"))
    return kit.answer({"network": selection.of(network_view(found))})


@router.put("/networks/{network_id}")
def update_network(request: HttpRequest, network_id: str, body: NetworkChangesBody) -> HttpResponse:
    uuid = kit.known_id(network_id, "Network")
    _check_constants(body.network)
    changes = body.network
    changed = rules.rename(kit.caller_of(request), uuid, name=changes.name, description=changes.description)
    return kit.answer({"network": network_view(changed)})


@router.delete("/networks/{network_id}")
def delete_network(request: HttpRequest, network_id: str) -> HttpResponse:
    rules.delete(kit.caller_of(request), kit.known_id(network_id, "Network"))
    return kit.empty(204)


@router.get("/subnets")
def list_subnets(request: HttpRequest, filters: Query[SubnetFilters]) -> HttpResponse:
    rows = rules.subnets_for(kit.caller_of(request))
    rows = neutron.matching(rows, filters, **_SUBNET_COLUMNS)
    if filters.ip_version is not None:
        rows = rows.filter(ip_version=filters.ip_version)
    if filters.enable_dhcp is not None:
        rows = rows.filter(dhcp=filters.enable_dhcp)
    return neutron.listed(request, "subnets", rows, filters, subnet_view)


@router.post("/subnets")
def create_subnet(request: HttpRequest, body: NewSubnetBody) -> HttpResponse:
    caller, wanted = kit.caller_of(request), body.subnet
    wanted.check_project(caller)
    kit.only("ip_version", wanted.ip_version, 4)
    pools = wanted.allocation_pools
    made = rules.create_subnet(
        caller,
        kit.known_id(wanted.network_id, "Network"),
        cidr=wanted.cidr,
        name=wanted.name,
        description=wanted.description,
        gateway=wanted.gateway_ip,
        dhcp=wanted.enable_dhcp,
        dns_nameservers=wanted.dns_nameservers,
        pools=None if pools is None else [(pool.start, pool.end) for pool in pools],
    )
    return kit.answer({"subnet": subnet_view(made)}, 201)


@router.get("/subnets/{subnet_id}")
def show_subnet(request: HttpRequest, subnet_id: str, selection: Query[neutron.Selection]) -> HttpResponse:
    found = rules.get_subnet(kit.caller_of(request), kit.known_id(subnet_id, "Subnet"))
    return kit.answer({"subnet": selection.of(subnet_view(found))})


@router.put("/subnets/{subnet_id}")
def update_subnet(request: HttpRequest, subnet_id: str, body: SubnetChangesBody) -> HttpResponse:
    wanted = body.subnet
    changed = rules.update_subnet(
        kit.caller_of(request),
        kit.known_id(subnet_id, "Subnet"),
        name=wanted.name,
        description=wanted.description,
        dhcp=wanted.enable_dhcp,
        dns_nameservers=wanted.dns_nameservers,
    )
    return kit.answer({"subnet": subnet_view(changed)})


@router.delete("/subnets/{subnet_id}")
def delete_subnet(request: HttpRequest, subnet_id: str) -> HttpResponse:
    rules.delete_subnet(kit.caller_of(request), kit.known_id(subnet_id, "Subnet"))
    return kit.empty(204)


def network_view(network: Network) -> dict[str, Any]:
    """A network as Neutron shows it; its subnets should be prefetched in lists."""
    return {
        "id": network.uuid,
        "name": network.name,
        "description": network.description,
        "tenant_id": network.project,
        "project_id": network.project,
        "status": network.state,
        "admin_state_up": True,
        "shared": network.public,
        "router:external": network.floating_ip_pool,
        "subnets": [subnet.uuid for subnet in network.subnets.all()],
        "mtu": MTU,
        "port_security_enabled": True,
        "availability_zones": [ZONE],
        "availability_zone_hints": [],
        "tags": [],
        "created_at": kit.stamp(network.created),
        "updated_at": kit.stamp(network.updated),
    }


def subnet_view(subnet: Subnet) -> dict[str, Any]:
    text = allocation.address_text
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
        "allocation_pools": [{"start": text(low), "end": text(high)} for low, high in subnet.pools],
        "ipv6_ra_mode": None,
        "ipv6_address_mode": None,
        "subnetpool_id": None,
        "service_types": [],
        "tags": [],
        "created_at": kit.stamp(subnet.created),
        "updated_at": kit.stamp(subnet.updated),
    }


def _networks_of(rows: QuerySet[Network]) -> QuerySet[Network]:
    return rows.prefetch_related(Prefetch("subnets", queryset=Subnet.objects.only("uuid", "network_id")))


def _check_constants(wanted: NewNetwork | NetworkChanges) -> None:
    """What is the same for every network here. Raises BadRequest for another wish."""
    kit.only("admin_state_up", wanted.admin_state_up, True)
    kit.only("mtu", wanted.mtu, MTU)
    kit.only("port_security_enabled", wanted.port_security_enabled, True)
