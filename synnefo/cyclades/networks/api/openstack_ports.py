"""Ports in network v2.0."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from synnefo.common.faults import BadRequest
from synnefo.cyclades.networks import ports
from synnefo.cyclades.networks.models import IPAddress, Port
from synnefo.cyclades.openstack import kit, neutron

router = Router()

_COLUMNS = {
    "name": "name",
    "description": "description",
    "status": "state",
    "network_id": "network__uuid",
    "device_id": "server__uuid",
    "device_owner": "device_owner",
    "mac_address": "mac",
}


class PortFilters(neutron.Listing):
    """``fixed_ips`` are ``ip_address=...`` and ``subnet_id=...``."""

    status: list[kit.Text] | None = None
    network_id: list[kit.Text] | None = None
    device_id: list[kit.Text] | None = None
    device_owner: list[kit.Text] | None = None
    mac_address: list[kit.Text] | None = None
    fixed_ips: list[kit.Text] | None = None
    admin_state_up: bool | None = None


class FixedIp(kit.Body):
    subnet_id: kit.Text | None = None
    ip_address: kit.Text | None = None


class NewPort(neutron.NewInProject):
    network_id: kit.Text
    name: kit.Text = ""
    description: kit.Text = ""
    fixed_ips: list[FixedIp] = Field(default_factory=lambda: [FixedIp()], min_length=1, max_length=1)
    admin_state_up: bool | None = None
    port_security_enabled: bool | None = None
    security_groups: list[kit.Text] = Field(default_factory=list, max_length=0)


class NewPortBody(kit.Body):
    port: NewPort


class PortChanges(kit.Body):
    name: kit.Text | None = None
    description: kit.Text | None = None
    admin_state_up: bool | None = None
    port_security_enabled: bool | None = None
    security_groups: list[kit.Text] = Field(default_factory=list, max_length=0)


class PortChangesBody(kit.Body):
    port: PortChanges


@router.get("/ports")
def list_ports(request: HttpRequest, filters: Query[PortFilters]) -> HttpResponse:
    rows = neutron.matching(ports.ports_for(kit.caller_of(request)), filters, **_COLUMNS)
    for wanted in filters.fixed_ips or ():
        rows = _with_address(rows, wanted)
    if filters.admin_state_up is False:
        rows = rows.none()
    return neutron.listed(request, "ports", rows, filters, port_view)


@router.post("/ports")
def create_port(request: HttpRequest, body: NewPortBody) -> HttpResponse:
    caller, wanted = kit.caller_of(request), body.port
    wanted.check_project(caller)
    _check_constants(wanted)
    fixed = wanted.fixed_ips[0]
    made = ports.create(
        caller,
        kit.known_id(wanted.network_id, "Network"),
        name=wanted.name,
        description=wanted.description,
        fixed_ip=fixed.ip_address,
        subnet_uuid=None if fixed.subnet_id is None else kit.wanted_id(fixed.subnet_id),
    )
    return kit.answer({"port": port_view(made)}, 201)


@router.get("/ports/{port_id}")
def show_port(request: HttpRequest, port_id: str, selection: Query[neutron.Selection]) -> HttpResponse:
    found = ports.get(kit.caller_of(request), kit.known_id(port_id, "Port"))
    return kit.answer({"port": selection.of(port_view(found))})


@router.put("/ports/{port_id}")
def update_port(request: HttpRequest, port_id: str, body: PortChangesBody) -> HttpResponse:
    uuid, wanted = kit.known_id(port_id, "Port"), body.port
    _check_constants(wanted)
    changed = ports.rename(kit.caller_of(request), uuid, name=wanted.name, description=wanted.description)
    return kit.answer({"port": port_view(changed)})


@router.delete("/ports/{port_id}")
def delete_port(request: HttpRequest, port_id: str) -> HttpResponse:
    ports.delete(kit.caller_of(request), kit.known_id(port_id, "Port"))
    return kit.empty(204)


def port_view(port: Port) -> dict[str, Any]:
    """A port as Neutron shows it; rows come from ``ports_for``, which fetches what is needed."""
    return {
        "id": port.uuid,
        "name": port.name,
        "description": port.description,
        "tenant_id": port.project,
        "project_id": port.project,
        "network_id": port.network.uuid,
        "mac_address": port.mac,
        "fixed_ips": [fixed_ip_view(ip) for ip in port.addresses.all()],
        "status": port.state,
        "admin_state_up": True,
        "device_id": port.server.uuid if port.server is not None else "",
        "device_owner": port.device_owner,
        "security_groups": [],
        "port_security_enabled": True,
        "allowed_address_pairs": [],
        "extra_dhcp_opts": [],
        "binding:vnic_type": "normal",
        "tags": [],
        "created_at": kit.stamp(port.created),
        "updated_at": kit.stamp(port.updated),
    }


def fixed_ip_view(ip: IPAddress) -> dict[str, str]:
    return {"subnet_id": ip.subnet.uuid, "ip_address": ip.address}


def _with_address(rows: QuerySet[Port], wanted: str) -> QuerySet[Port]:
    """Ports with ``ip_address=...`` or ``subnet_id=...``. Raises BadRequest for anything else."""
    key, _, value = wanted.partition("=")
    if key == "ip_address":
        found = IPAddress.objects.filter(address=value)
    elif key == "subnet_id":
        found = IPAddress.objects.filter(subnet__uuid=kit.wanted_id(value))
    else:
        raise BadRequest(f"Invalid input for fixed_ips: {wanted!r} is not ip_address=... or subnet_id=...")
    return rows.filter(pk__in=found.values("port"))


def _check_constants(wanted: NewPort | PortChanges) -> None:
    """What is the same for every port here. Raises BadRequest for another wish."""
    kit.only("admin_state_up", wanted.admin_state_up, True)
    kit.only("port_security_enabled", wanted.port_security_enabled, True)
