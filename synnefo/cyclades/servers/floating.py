"""Floating IPs of servers: as addresses of cards of their own, on the public network."""

from __future__ import annotations

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest
from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.servers import cards
from synnefo.cyclades.servers.models import Server


def add(caller: Caller, server: Server, address: str) -> Port:
    """Give a server a card with a floating IP of the caller's. Raises ItemNotFound, and as ``cards.plug``."""
    ip = floating.find_address(caller, address)
    return cards.plug(caller, server, ip.network, address=address)


def remove(caller: Caller, server: Server, address: str) -> None:
    """Take it away again, with its card; it stays the caller's. One that leads to the server leads nowhere.

    Raises ItemNotFound, BadRequest if it is not the server's.
    """
    ip = floating.find_address(caller, address)
    if ip.port is not None and ip.port.server_id == server.pk:
        cards.unplug(caller, ip.port)
    elif ip.nat_port is not None and ip.nat_port.server_id == server.pk:
        floating.associate(caller, ip.uuid, None)
    else:
        raise BadRequest(f"Floating IP {address} is not attached to the server.")
