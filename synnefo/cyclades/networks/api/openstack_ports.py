"""Ports in network v2.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.cyclades.networks import ports
from synnefo.cyclades.networks.addresses import FixedIp
from synnefo.cyclades.networks.models import IPAddress, Port
from synnefo.cyclades.openstack import kit, neutron

router = Router()

_COLUMNS = {
    "name": "name",
    "description": "description",
    "status": "state",
    "network_id": "network__uuid",
    "device_owner": "device_owner",
    "mac_address": "mac",
    "security_groups": "security_groups__uuid",
}
_SORTED = {"status": "state", "mac_address": "mac", "device_owner": "device_owner"}
_SHOWN = (
    "uuid", "project", "name", "description", "mac", "state", "admin_state_up", "device_id", "device_owner",
    "port_security", "address_pairs", "created", "updated", "network__uuid", "server__uuid", "router__uuid",
)  # fmt: skip


class PortFilters(neutron.Listing):
    """``fixed_ips`` are ``ip_address=...``, ``ip_address_substr=...`` and ``subnet_id=...``."""

    status: list[kit.Text] | None = None
    network_id: list[kit.Text] | None = None
    device_id: list[kit.Text] | None = None
    device_owner: list[kit.Text] | None = None
    mac_address: list[kit.Text] | None = None
    fixed_ips: list[kit.Text] | None = None
    security_groups: list[kit.Text] | None = None
    admin_state_up: bool | None = None


class WantedIp(kit.Body):
    subnet_id: kit.Text | None = None
    ip_address: kit.Text | None = None

    def wish(self) -> FixedIp:
        return FixedIp(self.ip_address, None if self.subnet_id is None else kit.wanted_id(self.subnet_id))


class AddressPair(kit.Body):
    ip_address: kit.Text
    mac_address: kit.Text | None = None


class PortWish(kit.Body):
    """What a new port may have, and an old one may get."""

    description: kit.Text | None = None
    fixed_ips: list[WantedIp] | None = None
    admin_state_up: kit.Flag | None = None
    port_security_enabled: kit.Flag | None = None
    security_groups: list[kit.Text] | None = None
    allowed_address_pairs: list[AddressPair] | None = None
    device_id: kit.Text | None = None
    device_owner: kit.Text | None = None
    vnic_type: kit.Text = Field("normal", alias="binding:vnic_type")
    extra_dhcp_opts: list[Any] = Field(default_factory=list, max_length=0)

    @property
    def wishes(self) -> list[FixedIp] | None:
        return None if self.fixed_ips is None else [one.wish() for one in self.fixed_ips]

    @property
    def pairs(self) -> list[dict[str, str]] | None:
        pairs = self.allowed_address_pairs
        return None if pairs is None else [pair.model_dump(exclude_none=True) for pair in pairs]

    @property
    def groups(self) -> list[str] | None:
        groups = self.security_groups
        return None if groups is None else [kit.known_id(group, "Security group") for group in groups]

    def check(self, caller: Caller) -> None:
        """Raises BadRequest, Forbidden for what is not offered, or not to everybody."""
        kit.only("binding:vnic_type", self.vnic_type, "normal")
        if (self.device_owner or "").startswith("network:") and not caller.is_admin:
            raise Forbidden("Device owners that begin with network: are the cloud's own.")


class NewPort(PortWish, neutron.NewInProject):
    network_id: kit.Text
    name: kit.Text = ""
    mac_address: kit.Text | None = None


class NewPortBody(kit.Body):
    port: NewPort | None = None
    ports: list[NewPort] | None = Field(None, min_length=1, max_length=50)


class PortChanges(PortWish):
    name: kit.Text | None = None


class PortChangesBody(kit.Body):
    port: PortChanges


@router.get("/ports")
def list_ports(request: HttpRequest, filters: Query[PortFilters]) -> HttpResponse:
    rows = neutron.matching(_lean(ports.ports_for(neutron.lister(request, filters))), filters, **_COLUMNS)
    if filters.device_id is not None:
        rows = rows.filter(_of_device(filters.device_id))
    if filters.fixed_ips is not None:
        rows = rows.filter(pk__in=_with_address(filters.fixed_ips).values("port"))
    if filters.admin_state_up is not None:
        rows = rows.filter(admin_state_up=filters.admin_state_up)
    return neutron.listed(request, "ports", rows, filters, port_views, **_SORTED)


@router.post("/ports")
def create_port(request: HttpRequest, body: NewPortBody) -> HttpResponse:
    caller = neutron.caller_of(request)

    def make(wanted: NewPort) -> Port:
        wanted.check(caller)
        return ports.create(
            wanted.maker(caller),
            kit.known_id(wanted.network_id, "Network"),
            name=wanted.name,
            description=wanted.description or "",
            fixed_ips=wanted.wishes,
            mac=wanted.mac_address,
            security_groups=wanted.groups,
            admin_state_up=kit.said(wanted.admin_state_up) is not False,
            port_security=kit.said(wanted.port_security_enabled),
            address_pairs=wanted.pairs or (),
            device_id=wanted.device_id or "",
            device_owner=wanted.device_owner or "",
        )

    def unmake(port: Port) -> None:
        ports.delete(caller, port.uuid)

    return neutron.created(body.port, body.ports, "port", make, port_view, unmake)


@router.get("/ports/{port_id}")
def show_port(request: HttpRequest, port_id: str, selection: Query[neutron.Selection]) -> HttpResponse:
    found = ports.get(neutron.caller_of(request), kit.known_id(port_id, "Port"))
    return kit.answer({"port": selection.of(port_view(found))})


@router.put("/ports/{port_id}")
def update_port(request: HttpRequest, port_id: str, body: PortChangesBody) -> HttpResponse:
    caller, uuid, wanted = neutron.caller_of(request), kit.known_id(port_id, "Port"), body.port
    wanted.check(caller)
    changed = ports.update(
        caller,
        uuid,
        name=wanted.name,
        description=wanted.description,
        admin_state_up=kit.said(wanted.admin_state_up),
        fixed_ips=wanted.wishes,
        security_groups=wanted.groups,
        port_security=kit.said(wanted.port_security_enabled),
        address_pairs=wanted.pairs,
        device_id=wanted.device_id,
        device_owner=wanted.device_owner,
    )
    return kit.answer({"port": port_view(changed)})


@router.delete("/ports/{port_id}")
def delete_port(request: HttpRequest, port_id: str) -> HttpResponse:
    ports.delete(neutron.caller_of(request), kit.known_id(port_id, "Port"))
    return kit.empty(204)


def port_view(port: Port) -> dict[str, Any]:
    """A port as Neutron shows it; rows come from ``ports_for``, which fetches what is needed."""
    fixed = [fixed_ip_view(ip) for ip in port.addresses.all()]
    return _shown(port, fixed, [group.uuid for group in port.security_groups.all()])


def port_views(rows: Sequence[Port]) -> list[dict[str, Any]]:
    """Many at once, of which addresses and groups were not fetched: rows for these cost more than values."""
    keys = [port.pk for port in rows]
    fixed: dict[int, list[dict[str, str]]] = {key: [] for key in keys}
    addresses = IPAddress.objects.filter(port__in=keys).order_by("pk")
    for key, subnet, address in addresses.values_list("port_id", "subnet__uuid", "address"):
        fixed[key].append({"subnet_id": subnet, "ip_address": address})
    groups: dict[int, list[str]] = {key: [] for key in keys}
    joined = Port.security_groups.through.objects.filter(port__in=keys)
    for key, group in joined.values_list("port_id", "securitygroup__uuid"):
        groups[key].append(group)
    return [_shown(port, fixed[port.pk], groups[port.pk]) for port in rows]


def _shown(port: Port, fixed_ips: list[dict[str, str]], groups: list[str]) -> dict[str, Any]:
    return {
        "id": port.uuid,
        "name": port.name,
        "description": port.description,
        "tenant_id": port.project,
        "project_id": port.project,
        "network_id": port.network.uuid,
        "mac_address": port.mac,
        "fixed_ips": fixed_ips,
        "status": port.state,
        "admin_state_up": port.admin_state_up,
        "device_id": device_of(port),
        "device_owner": port.device_owner,
        "security_groups": sorted(groups),
        "port_security_enabled": port.port_security,
        "allowed_address_pairs": [{"mac_address": port.mac, **pair} for pair in port.address_pairs],
        "extra_dhcp_opts": [],
        "binding:vnic_type": "normal",
        "tags": [],
        "created_at": kit.stamp(port.created),
        "updated_at": kit.stamp(port.updated),
    }


def _lean(rows: QuerySet[Port]) -> QuerySet[Port]:
    """Rows with what is shown alone: those of all that is related have many columns more."""
    return rows.prefetch_related(None).only(*_SHOWN)


def fixed_ip_view(ip: IPAddress) -> dict[str, str]:
    return {"subnet_id": ip.subnet.uuid, "ip_address": ip.address}


def device_of(port: Port) -> str:
    """What has the port: a server, a router, or what its owner says."""
    if port.server is not None:
        return port.server.uuid
    return port.router.uuid if port.router is not None else port.device_id


def _of_device(ids: Sequence[str]) -> Q:
    known = kit.wanted_ids(ids)
    return Q(server__uuid__in=known) | Q(router__uuid__in=known) | Q(device_id__in=list(ids))


def _with_address(wanted: Sequence[str]) -> QuerySet[IPAddress]:
    """Addresses that fit: of each key any value, of different keys all. Raises BadRequest."""
    conditions: dict[str, Q] = {}
    for text in wanted:
        key, _, value = text.partition("=")
        if key == "ip_address":
            fits = Q(address=value)
        elif key == "ip_address_substr":
            fits = Q(address__contains=value)
        elif key == "subnet_id":
            fits = Q(subnet__uuid=kit.wanted_id(value))
        else:
            raise BadRequest(f"Invalid input for fixed_ips: {text!r} is not ip_address=... or subnet_id=...")
        conditions[key] = conditions.get(key, Q(pk__in=())) | fits
    return IPAddress.objects.filter(*conditions.values())
