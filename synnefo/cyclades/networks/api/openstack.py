"""Networks in network v2.0, how full they are, and the router of all of the noun's routes."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from synnefo.common.faults import BadRequest
from synnefo.cyclades.networks import addresses, rules
from synnefo.cyclades.networks.api import (
    openstack_floating,
    openstack_groups,
    openstack_ports,
    openstack_routers,
    openstack_subnets,
)
from synnefo.cyclades.networks.models import Network, Subnet
from synnefo.cyclades.openstack import kit, neutron

router = Router()
for part in (openstack_subnets, openstack_ports, openstack_floating, openstack_routers, openstack_groups):
    router.add_router("", part.router)

ZONE = "nova"


class NetworkFilters(neutron.Listing):
    status: list[kit.Text] | None = None
    external: bool | None = Field(None, alias="router:external")
    shared: bool | None = None
    admin_state_up: bool | None = None
    mtu: int | None = None
    port_security_enabled: bool | None = None


class NewNetwork(neutron.NewInProject):
    name: kit.Text = ""
    description: kit.Text = ""
    admin_state_up: kit.Flag = True
    external: kit.Flag = Field(False, alias="router:external")
    shared: kit.Flag = False
    mtu: int | None = None
    port_security_enabled: kit.Flag = True
    availability_zone_hints: list[kit.Text] = Field(default_factory=list)


class NewNetworkBody(kit.Body):
    network: NewNetwork | None = None
    networks: list[NewNetwork] | None = Field(None, min_length=1, max_length=50)


class NetworkChanges(kit.Body):
    name: kit.Text | None = None
    description: kit.Text | None = None
    admin_state_up: kit.Flag | None = None
    mtu: int | None = None
    port_security_enabled: kit.Flag | None = None


class NetworkChangesBody(kit.Body):
    network: NetworkChanges


class AvailabilityFilters(neutron.Listing):
    network_id: list[kit.Text] | None = None
    network_name: list[kit.Text] | None = None
    ip_version: int | None = None


@router.get("/networks")
def list_networks(request: HttpRequest, filters: Query[NetworkFilters]) -> HttpResponse:
    rows = _with_subnets(rules.networks_for(neutron.lister(request, filters)).filter(deleting=False))
    rows = neutron.matching(rows, filters, name="name", description="description", status="state")
    flags = {
        "floating_ip_pool": filters.external,
        "public": filters.shared,
        "admin_state_up": filters.admin_state_up,
        "mtu": filters.mtu,
        "port_security": filters.port_security_enabled,
    }
    rows = rows.filter(**{column: value for column, value in flags.items() if value is not None})
    views = neutron.each(network_view)
    return neutron.listed(request, "networks", rows, filters, views, status="state", mtu="mtu")


@router.post("/networks")
def create_network(request: HttpRequest, body: NewNetworkBody) -> HttpResponse:
    caller = neutron.caller_of(request)

    def make(wanted: NewNetwork) -> Network:
        maker = wanted.maker(caller)
        for hint in wanted.availability_zone_hints:
            kit.only("availability_zone_hints", hint, ZONE)
        external = kit.is_true(wanted.external)
        if kit.is_true(wanted.shared) and not external:
            raise BadRequest("Invalid input for shared: only external networks are shared by all projects.")
        return rules.create(
            maker,
            name=wanted.name,
            description=wanted.description,
            public=external,
            floating_ip_pool=external,
            admin_state_up=kit.is_true(wanted.admin_state_up),
            mtu=wanted.mtu,
            port_security=kit.is_true(wanted.port_security_enabled),
        )

    def unmake(network: Network) -> None:
        rules.delete(caller, network.uuid)

    return neutron.created(body.network, body.networks, "network", make, network_view, unmake)


@router.get("/networks/{network_id}")
def show_network(request: HttpRequest, network_id: str, selection: Query[neutron.Selection]) -> HttpResponse:
    found = rules.get(neutron.caller_of(request), kit.known_id(network_id, "Network"))
    return kit.answer({"network": selection.of(network_view(found))})


@router.put("/networks/{network_id}")
def update_network(request: HttpRequest, network_id: str, body: NetworkChangesBody) -> HttpResponse:
    wanted = body.network
    changed = rules.update(
        neutron.caller_of(request),
        kit.known_id(network_id, "Network"),
        name=wanted.name,
        description=wanted.description,
        admin_state_up=kit.said(wanted.admin_state_up),
        mtu=wanted.mtu,
        port_security=kit.said(wanted.port_security_enabled),
    )
    return kit.answer({"network": network_view(changed)})


@router.delete("/networks/{network_id}")
def delete_network(request: HttpRequest, network_id: str) -> HttpResponse:
    rules.delete(neutron.caller_of(request), kit.known_id(network_id, "Network"))
    return kit.empty(204)


@router.get("/network-ip-availabilities")
def list_availabilities(request: HttpRequest, filters: Query[AvailabilityFilters]) -> HttpResponse:
    rows = _counted(rules.networks_for(neutron.lister(request, filters)))
    rows = neutron.matching(rows, filters, network_id="uuid", network_name="name")

    def view(network: Network) -> dict[str, Any]:
        return availability_view(network, filters.ip_version)

    return neutron.listed(request, "network_ip_availabilities", rows, filters, neutron.each(view))


@router.get("/network-ip-availabilities/{network_id}")
def show_availability(request: HttpRequest, network_id: str) -> HttpResponse:
    caller = neutron.caller_of(request)
    found = rules.get(caller, kit.known_id(network_id, "Network"))
    counted = _counted(rules.networks_for(caller)).get(pk=found.pk)
    return kit.answer({"network_ip_availability": availability_view(counted)})


def network_view(network: Network) -> dict[str, Any]:
    """A network as Neutron shows it; its subnets should be prefetched in lists."""
    return {
        "id": network.uuid,
        "name": network.name,
        "description": network.description,
        "tenant_id": network.project,
        "project_id": network.project,
        "status": network.state,
        "admin_state_up": network.admin_state_up,
        "shared": network.public,
        "router:external": network.floating_ip_pool,
        "subnets": [subnet.uuid for subnet in network.subnets.all()],
        "mtu": network.mtu,
        "port_security_enabled": network.port_security,
        "availability_zones": [ZONE],
        "availability_zone_hints": [],
        "tags": [],
        "created_at": kit.stamp(network.created),
        "updated_at": kit.stamp(network.updated),
    }


def availability_view(network: Network, version: int | None = None) -> dict[str, Any]:
    """How many addresses the pools of a network have, and how many addresses are in use."""
    subnets = [
        {
            "subnet_id": subnet.uuid,
            "subnet_name": subnet.name,
            "cidr": subnet.cidr,
            "ip_version": subnet.ip_version,
            "total_ips": sum(high - low + 1 for low, high in addresses.usable(subnet)),
            "used_ips": subnet.used,  # type: ignore[attr-defined]
        }
        for subnet in network.subnets.all()
        if version in (None, subnet.ip_version)
    ]
    return {
        "network_id": network.uuid,
        "network_name": network.name,
        "tenant_id": network.project,
        "project_id": network.project,
        "subnet_ip_availability": subnets,
        "total_ips": sum(subnet["total_ips"] for subnet in subnets),
        "used_ips": sum(subnet["used_ips"] for subnet in subnets),
    }


def _with_subnets(rows: QuerySet[Network]) -> QuerySet[Network]:
    return rows.prefetch_related(Prefetch("subnets", queryset=Subnet.objects.only("uuid", "network_id")))


def _counted(rows: QuerySet[Network]) -> QuerySet[Network]:
    used = Subnet.objects.annotate(used=Count("addresses")).order_by("pk")
    return rows.filter(deleting=False).prefetch_related(Prefetch("subnets", queryset=used))
