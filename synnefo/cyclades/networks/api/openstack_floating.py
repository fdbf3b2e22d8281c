"""Floating IPs in network v2.0."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db.models import Exists, F, Min, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks.addresses import led_to
from synnefo.cyclades.networks.models import BackendNetwork, IPAddress, Port
from synnefo.cyclades.networks.routers import gateways_of
from synnefo.cyclades.openstack import kit, neutron

router = Router()

_COLUMNS = {
    "description": "description",
    "floating_ip_address": "address",
    "floating_network_id": "network__uuid",
    "port_id": "nat_port__uuid",
}
_SORTED = {"floating_ip_address": "number"}
_SHOWN = (
    "uuid", "project", "description", "address", "number", "created", "updated", "nat_address",
    "nat_revision", "network__uuid", "nat_port__uuid", "nat_port__name", "nat_port__mac",
    "nat_port__admin_state_up", "nat_port__state", "nat_port__device_id", "nat_port__device_owner",
    "nat_port__network__uuid", "nat_port__server__uuid",
)  # fmt: skip


class FloatingFilters(neutron.Listing):
    status: list[kit.Text] | None = None
    floating_ip_address: list[kit.Text] | None = None
    floating_network_id: list[kit.Text] | None = None
    fixed_ip_address: list[kit.Text] | None = None
    port_id: list[kit.Text] | None = None
    router_id: list[kit.Text] | None = None


class NewFloating(neutron.NewInProject):
    floating_network_id: kit.Text
    floating_ip_address: kit.Text | None = None
    subnet_id: kit.Text | None = None
    port_id: kit.Text | None = None
    fixed_ip_address: kit.Text | None = None
    description: kit.Text = ""


class NewFloatingBody(kit.Body):
    floatingip: NewFloating


class FloatingChanges(kit.Body):
    """``port_id`` null takes the address away from its port; left out, it stays where it is."""

    port_id: kit.Text | None = None
    fixed_ip_address: kit.Text | None = None
    description: kit.Text | None = None


class FloatingChangesBody(kit.Body):
    floatingip: FloatingChanges


@router.get("/floatingips")
def list_floating_ips(request: HttpRequest, filters: Query[FloatingFilters]) -> HttpResponse:
    rows = _lean(floating.floating_ips_for(neutron.lister(request, filters)))
    rows = neutron.matching(rows, filters, **_COLUMNS)
    if filters.fixed_ip_address is not None:
        rows = rows.filter(_leading_to(filters.fixed_ip_address))
    if filters.router_id is not None:
        rows = rows.filter(_by_way_of(filters.router_id))
    if filters.status is not None:
        rows = rows.filter(_with_status(filters.status))
    return neutron.listed(request, "floatingips", rows, filters, floating_views, **_SORTED)


@router.post("/floatingips")
def create_floating_ip(request: HttpRequest, body: NewFloatingBody) -> HttpResponse:
    caller, wanted = neutron.caller_of(request), body.floatingip
    made = floating.create(
        wanted.maker(caller),
        kit.known_id(wanted.floating_network_id, "Network"),
        address=wanted.floating_ip_address,
        subnet_uuid=None if wanted.subnet_id is None else kit.known_id(wanted.subnet_id, "Subnet"),
        port_uuid=None if wanted.port_id is None else kit.known_id(wanted.port_id, "Port"),
        fixed_address=wanted.fixed_ip_address or "",
        description=wanted.description,
    )
    return kit.answer({"floatingip": floating_views([made])[0]}, 201)


@router.get("/floatingips/{floating_id}")
def show_floating_ip(
    request: HttpRequest, floating_id: str, selection: Query[neutron.Selection]
) -> HttpResponse:
    found = floating.get(neutron.caller_of(request), kit.known_id(floating_id, "Floating IP"))
    return kit.answer({"floatingip": selection.of(floating_views([found])[0])})


@router.put("/floatingips/{floating_id}")
def update_floating_ip(request: HttpRequest, floating_id: str, body: FloatingChangesBody) -> HttpResponse:
    caller, wanted = neutron.caller_of(request), body.floatingip
    uuid = kit.known_id(floating_id, "Floating IP")
    if "port_id" in wanted.model_fields_set:
        port = None if wanted.port_id is None else kit.known_id(wanted.port_id, "Port")
        fixed = wanted.fixed_ip_address or ""
        changed = floating.associate(caller, uuid, port, fixed_address=fixed, description=wanted.description)
    elif wanted.description is not None:
        changed = floating.describe(caller, uuid, wanted.description)
    else:
        changed = floating.get(caller, uuid)
    return kit.answer({"floatingip": floating_views([changed])[0]})


@router.delete("/floatingips/{floating_id}")
def delete_floating_ip(request: HttpRequest, floating_id: str) -> HttpResponse:
    floating.delete(neutron.caller_of(request), kit.known_id(floating_id, "Floating IP"))
    return kit.empty(204)


def floating_views(ips: Sequence[IPAddress]) -> list[dict[str, Any]]:
    """Floating IPs as Neutron shows them."""
    led = [led_to(ip.nat_port, ip.nat_address) if ip.nat_port is not None else None for ip in ips]
    ways = gateways_of([fixed.subnet_id for fixed in led if fixed is not None])
    applied = _applied({ip.nat_port.network_id for ip in ips if ip.nat_port is not None})
    return [
        _view(ip, fixed, ways.get(fixed.subnet_id, "") if fixed is not None else "", applied)
        for ip, fixed in zip(ips, led, strict=True)
    ]


def _view(ip: IPAddress, fixed: IPAddress | None, router: str, applied: Mapping[int, int]) -> dict[str, Any]:
    """DOWN until every engine concerned has its NAT."""
    port = ip.nat_port
    return {
        "id": ip.uuid,
        "tenant_id": ip.project,
        "project_id": ip.project,
        "description": ip.description,
        "floating_network_id": ip.network.uuid,
        "floating_ip_address": ip.address,
        "fixed_ip_address": None if fixed is None else fixed.address,
        "port_id": port.uuid if port is not None else None,
        "port_details": _port_details(port) if port is not None else None,
        "router_id": router or None,
        "status": "ACTIVE" if port is not None and _in_force(ip, port, applied) else "DOWN",
        "tags": [],
        "created_at": kit.stamp(ip.created),
        "updated_at": kit.stamp(ip.updated),
    }


def _leading_to(addresses: Sequence[str]) -> Q:
    """``led_to`` as a condition on rows: an address that is named, or one of the port's if none is."""
    own = Port.objects.filter(addresses__address__in=addresses).values("pk")
    return Q(nat_address__in=addresses) | Q(nat_address="", nat_port__in=own)


def _by_way_of(routers: Sequence[str]) -> Q:
    legs = IPAddress.objects.filter(
        port__router__uuid__in=kit.wanted_ids(routers), address=F("subnet__gateway")
    )
    return Q(nat_port__addresses__subnet__in=legs.values("subnet"))


def _with_status(wanted: list[str]) -> Q:
    """``_in_force``, as a condition on rows."""
    network = OuterRef("nat_port__network")
    behind = BackendNetwork.objects.filter(network=network, applied__lt=OuterRef("nat_revision"))
    active = Q(nat_port__isnull=False) & Q(~Exists(behind))
    found = Q(pk__in=())
    if "ACTIVE" in wanted:
        found |= active
    if "DOWN" in wanted:
        found |= ~active
    return found


def _in_force(ip: IPAddress, port: Port, applied: Mapping[int, int]) -> bool:
    return applied.get(port.network_id, ip.nat_revision) >= ip.nat_revision


def _applied(networks: Collection[int]) -> dict[int, int]:
    """The revision that every engine concerned has of each network, where engines have it."""
    rows = BackendNetwork.objects.filter(network__in=networks).values_list("network")
    return dict(rows.annotate(Min("applied")))


def _port_details(port: Port) -> dict[str, Any]:
    return {
        "name": port.name,
        "network_id": port.network.uuid,
        "mac_address": port.mac,
        "admin_state_up": port.admin_state_up,
        "status": port.state,
        "device_id": port.server.uuid if port.server is not None else port.device_id,
        "device_owner": port.device_owner,
    }


def _lean(rows: QuerySet[IPAddress]) -> QuerySet[IPAddress]:
    """Rows with what is shown alone: those of all that is related have many columns more."""
    fixed = IPAddress.objects.only("port", "subnet", "address", "ip_version")
    rows = rows.select_related(None).select_related("network", "nat_port__network", "nat_port__server")
    return rows.prefetch_related(None).prefetch_related(Prefetch("nat_port__addresses", fixed)).only(*_SHOWN)
