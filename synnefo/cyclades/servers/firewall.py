"""Firewall profiles of the cards of a server: Synnefo's three built-in sets of rules."""

from __future__ import annotations

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.cyclades.networks import ports
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.rules import get
from synnefo.cyclades.servers.states import Action, require


def set_profile(caller: Caller, uuid: str, port_id: int, profile: str) -> Port:
    """Raises BadRequest (no such profile), ItemNotFound (no such card), Forbidden, Conflict (state, busy)."""
    if profile not in (Port.Profile.ENABLED, Port.Profile.DISABLED, Port.Profile.PROTECTED):
        raise BadRequest("Unsupported firewall profile.")
    server: Server = get(caller, uuid)
    require(server, Action.FIREWALL, is_admin=caller.is_admin)
    port = server.ports.filter(pk=port_id).first()
    if port is None:
        raise ItemNotFound("The server has no such network card.")
    return ports.set_profile(caller, port, profile)
