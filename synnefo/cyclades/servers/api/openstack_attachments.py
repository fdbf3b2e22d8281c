"""What is plugged into a server in compute v2.1: network cards and volumes."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound
from synnefo.cyclades.networks import ports
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.networks.rules import networks_for
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.servers import cards, rules
from synnefo.cyclades.servers import volumes as disks
from synnefo.cyclades.servers.api import openstack_views as views
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.volumes.models import Volume

router = Router()


class FixedIp(kit.Body):
    address: kit.Text = Field(alias="ip_address")


class NewInterface(kit.Body):
    network: kit.Text | None = Field(None, alias="net_id")
    port: kit.Text | None = Field(None, alias="port_id")
    fixed_ips: Annotated[list[FixedIp], Field(max_length=1)] = Field(default_factory=list)


class NewInterfaceBody(kit.Body):
    wanted: NewInterface = Field(
        default_factory=lambda: NewInterface.model_validate({}), alias="interfaceAttachment"
    )


class NewAttachment(kit.Body):
    volume: kit.Text = Field(alias="volumeId")
    device: kit.Text | None = None


class NewAttachmentBody(kit.Body):
    wanted: NewAttachment = Field(alias="volumeAttachment")


@router.get("/servers/{server_id}/os-interface")
def list_interfaces(request: HttpRequest, server_id: str) -> HttpResponse:
    server = _server(request, server_id)
    rows = ports.ports_for(kit.caller_of(request)).filter(server=server).order_by("index", "id")
    return kit.answer({"interfaceAttachments": [views.interface_of(port) for port in rows]})


@router.post("/servers/{server_id}/os-interface")
def attach_interface(request: HttpRequest, server_id: str, body: NewInterfaceBody) -> HttpResponse:
    """A card for a port, or for a network; with neither for the project's only network."""
    caller, server, wanted = kit.caller_of(request), _server(request, server_id), body.wanted
    if wanted.port is not None:
        if wanted.network is not None or wanted.fixed_ips:
            raise BadRequest("Must not input both network_id (or fixed_ips) and port_id")
        port = cards.plug_port(caller, server, ports.get(caller, kit.wanted_id(wanted.port)))
        return kit.answer({"interfaceAttachment": views.interface_of(port)})
    if wanted.fixed_ips and wanted.network is None:
        raise BadRequest("Must input network_id when request IP address")
    networks = networks_for(caller)
    if wanted.network is not None:
        network = networks.filter(uuid=kit.wanted_id(wanted.network)).first()
    else:
        own = list(networks.filter(public=False, deleting=False).order_by("id")[:2])
        network = own[0] if len(own) == 1 else None
    if network is None:
        raise ItemNotFound("Network could not be found, or there is not exactly one to choose.")
    address = wanted.fixed_ips[0].address if wanted.fixed_ips else None
    port = cards.plug(caller, server, network, address=address)
    return kit.answer({"interfaceAttachment": views.interface_of(port)})


@router.get("/servers/{server_id}/os-interface/{port_id}")
def show_interface(request: HttpRequest, server_id: str, port_id: str) -> HttpResponse:
    return kit.answer({"interfaceAttachment": views.interface_of(_port(request, server_id, port_id))})


@router.delete("/servers/{server_id}/os-interface/{port_id}")
def detach_interface(request: HttpRequest, server_id: str, port_id: str) -> HttpResponse:
    cards.unplug(kit.caller_of(request), _port(request, server_id, port_id), keep=True)
    return kit.empty(202)


@router.get("/servers/{server_id}/os-volume_attachments")
def list_attachments(request: HttpRequest, server_id: str, paging: Query[kit.Window]) -> HttpResponse:
    server = _server(request, server_id)
    shown = [views.attachment_of(server, volume) for volume in views.attached(server)[paging.part]]
    return kit.answer({"volumeAttachments": shown})


@router.post("/servers/{server_id}/os-volume_attachments")
def attach_volume(request: HttpRequest, server_id: str, body: NewAttachmentBody) -> HttpResponse:
    server = _server(request, server_id)
    volume = disks.attach(kit.caller_of(request), server.uuid, kit.wanted_id(body.wanted.volume))
    return kit.answer({"volumeAttachment": views.attachment_of(server, volume)})


@router.get("/servers/{server_id}/os-volume_attachments/{volume_id}")
def show_attachment(request: HttpRequest, server_id: str, volume_id: str) -> HttpResponse:
    server = _server(request, server_id)
    volume = _volume(server, volume_id)
    return kit.answer({"volumeAttachment": views.attachment_of(server, volume)})


@router.put("/servers/{server_id}/os-volume_attachments/{volume_id}")
def swap_volume(
    request: HttpRequest, server_id: str, volume_id: str, body: NewAttachmentBody
) -> HttpResponse:
    """Nova lets administrators put another volume in place of one; here none is moved under a guest."""
    _volume(_server(request, server_id), volume_id)
    raise Forbidden("Policy doesn't allow os_compute_api:os-volumes-attachments:swap to be performed.")


@router.delete("/servers/{server_id}/os-volume_attachments/{volume_id}")
def detach_volume(request: HttpRequest, server_id: str, volume_id: str) -> HttpResponse:
    server = _server(request, server_id)
    volume = _volume(server, volume_id)
    disks.detach(kit.caller_of(request), server.uuid, volume.uuid)
    return kit.empty(202)


def _server(request: HttpRequest, server_id: str) -> Server:
    return rules.get(kit.caller_of(request), kit.known_id(server_id, "Instance"))


def _port(request: HttpRequest, server_id: str, port_id: str) -> Port:
    server = _server(request, server_id)
    port = ports.get(kit.caller_of(request), kit.known_id(port_id, "Port"))
    if port.server_id != server.pk:
        raise ItemNotFound(f"Port {port.uuid} is not of instance {server.uuid}.")
    return port


def _volume(server: Server, volume_id: str) -> Volume:
    uuid = kit.known_id(volume_id, "Volume")
    for volume in views.attached(server):
        if volume.uuid == uuid:
            return volume
    raise ItemNotFound(f"volume_id not found: {uuid}")
