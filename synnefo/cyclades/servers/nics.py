"""Choosing and making the network cards of a new server, inside the transaction of its creation."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict
from synnefo.cyclades.networks import chosen, ports
from synnefo.cyclades.networks import groups as security_groups
from synnefo.cyclades.networks.history import associated
from synnefo.cyclades.networks.models import Network, Port
from synnefo.cyclades.networks.rules import networks_for
from synnefo.cyclades.networks.state import lock
from synnefo.cyclades.operations.networks import changed
from synnefo.cyclades.servers.cards import new_card
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import NicRequest


def attach(
    caller: Caller,
    server: Server,
    wanted: Sequence[NicRequest] | None,
    *,
    groups: Sequence[str] | None = None,
) -> None:
    """Give the server its cards. Networks are locked in id order, so that two requests cannot deadlock.

    ``groups`` are the security groups of cards that are made; None: those that a project's cards have.

    The cloud's settings say which networks every server is on besides, and which if none is asked for.

    Raises BadRequest (unknown network or port, too many), Conflict (port in use, no address left, which
    network?), ServiceUnavailable (none left on a network that every server is on).
    """
    usual = wanted is None and bool(settings.CYCLADES_DEFAULT_SERVER_NETWORKS)
    requests = list(wanted or ()) if wanted is not None or usual else _only_network(caller)
    found = [_resolve(caller, request) for request in requests]
    members = None if groups is None else security_groups.named(caller, groups)
    places = {network.pk for network, _ in found} | chosen.places(usual=usual)
    networks = {pk: lock(pk) for pk in sorted(places)}
    cards = chosen.forced(caller, networks) + (chosen.usual(caller, networks) if usual else [])
    for card in cards:
        card.made_by_server = True
    for request, (network, port) in zip(requests, found, strict=True):
        if port is None:
            card = new_card(caller, networks[network.pk], request.fixed_ip, groups=members)
            card.made_by_server = True
        else:
            card = _free(port)
        cards.append(card)
    if len(cards) > settings.CYCLADES_MAX_NICS:
        raise BadRequest(f"A server has at most {settings.CYCLADES_MAX_NICS} network cards.")
    for index, card in enumerate(cards):
        card.server, card.index = server, index
        card.state, card.device_owner = Port.State.BUILD, Port.OWNER_COMPUTE
        card.save()
        associated(card)
    for network_id in sorted({card.network_id for card in cards}):
        changed(networks[network_id], caller)


def _only_network(caller: Caller) -> list[NicRequest]:
    """The caller's network, if there is exactly one to choose."""
    own = list(networks_for(caller).filter(public=False, deleting=False).order_by("id")[:2])
    if len(own) > 1:
        raise Conflict("Multiple possible networks found, use a Network ID to be more specific.")
    return [NicRequest(network=network.uuid) for network in own]


def _resolve(caller: Caller, request: NicRequest) -> tuple[Network, Port | None]:
    if request.port is not None:
        port = ports.ports_for(caller).filter(uuid=request.port).first()
        if port is None:
            raise BadRequest(f"Port {request.port} could not be found.")
        return port.network, port
    network = networks_for(caller).filter(uuid=request.network).first()
    if network is None:
        raise BadRequest(f"Network {request.network} could not be found.")
    return network, None


def _free(port: Port) -> Port:
    """The port's row as it is now, under its network's lock. Raises Conflict if a server has it."""
    now = Port.objects.filter(pk=port.pk).first()
    if now is None:
        raise BadRequest(f"Port {port.uuid} could not be found.")
    if now.server_id is not None:
        raise Conflict(f"Port {port.uuid} is still in use.")
    return now
