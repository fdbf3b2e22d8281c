"""Leading floating IPs to servers: to the first network card that may have one."""

from __future__ import annotations

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.servers.models import Server


def add(caller: Caller, server: Server, address: str) -> IPAddress:
    """Lead a floating IP of the caller's to a server that he sees.

    Raises ItemNotFound (no such address), Conflict (it leads elsewhere, or no card is free for it).
    """
    ip = _found(caller, address)
    if ip.nat_port_id is not None:
        raise Conflict(f"Floating IP {address} is in use.")
    cards = server.ports.filter(addresses__isnull=False, floating_ips__isnull=True)
    card = cards.order_by("index", "id").first()
    if card is None:
        raise Conflict("The server has no network card that could have a floating IP.")
    return floating.associate(caller, ip.uuid, card.uuid)


def remove(caller: Caller, server: Server, address: str) -> IPAddress:
    """Take it away again; it stays the caller's. Raises ItemNotFound, BadRequest if it leads elsewhere."""
    ip = _found(caller, address)
    if ip.nat_port is None or ip.nat_port.server_id != server.pk:
        raise BadRequest(f"Floating IP {address} is not attached to the server.")
    return floating.associate(caller, ip.uuid, None)


def _found(caller: Caller, address: str) -> IPAddress:
    ip = floating.floating_ips_for(caller).filter(address=address).first()
    if ip is None:
        raise ItemNotFound("Floating IP does not exist.")
    return ip
