"""What may be done with the network cards of a server that exists."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db.models import Max

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks import floating, ports
from synnefo.cyclades.networks.history import associated
from synnefo.cyclades.networks.models import Network, Port, SecurityGroup
from synnefo.cyclades.networks.state import lock
from synnefo.cyclades.operations.cards import PlugCard, UnplugCard
from synnefo.cyclades.operations.networks import changed
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.states import Action, require
from synnefo.engine import rules as engine


def plug(
    caller: Caller, found: Server, network: Network, *, address: str | None = None, name: str = ""
) -> Port:
    """Give a server one more card, on or off. On a public network it has a floating IP of the caller's.

    Raises BadRequest (too many cards; a public network without an address), ItemNotFound (no such
    floating IP), Conflict (address in use, none left, the server is busy or in no state for it).
    """
    with atomic():
        server = _locked(caller, found, Action.PLUG)
        if server.ports.count() >= settings.CYCLADES_MAX_NICS:
            raise BadRequest(f"A server has at most {settings.CYCLADES_MAX_NICS} network cards.")
        network = lock(network.pk)
        card = new_card(caller, network, address, name=name)
        last = server.ports.aggregate(last=Max("index"))["last"]
        card.server, card.index = server, 0 if last is None else last + 1
        card.state, card.device_owner, card.made_by_server = Port.State.BUILD, Port.OWNER_COMPUTE, True
        card.save()
        associated(card)
        changed(network, caller)
        _begin(caller, server, Server.Task.CONNECT, PlugCard, card)
    return ports.get(caller, card.uuid)


def unplug(caller: Caller, port: Port) -> None:
    """Take a card from its server; it is gone when that is done. A port that no server has goes at once.

    Raises Forbidden (a public card without a floating IP, a suspended server), Conflict, as ``plug``.
    """
    if port.network.public and not port.addresses.filter(floating_ip=True).exists():
        raise Forbidden("A card on a public network without a floating IP belongs to the cloud.")
    if port.server is None:
        ports.delete(caller, port.uuid)
        return
    with atomic():
        server = _locked(caller, port.server, Action.UNPLUG)
        _begin(caller, server, Server.Task.DISCONNECT, UnplugCard, port)


def new_card(
    caller: Caller, network: Network, address: str | None, *, name: str = "",
    groups: Sequence[SecurityGroup] | None = None,
) -> Port:  # fmt: skip
    """A port for a card on a locked network: on a public one with the floating IP ``address``, or with one
    of the caller's that leads nowhere. Raises Conflict if he has none."""
    if not network.public:
        return ports.add(caller, network, fixed_ip=address, name=name, groups=groups)
    if address is None:
        unused = floating.unused(caller, network)
        if unused is None:
            raise Conflict("On a public network a server needs a floating IP as its address; none is free.")
        address = unused.address
    return floating.port_with(caller, network, address, name=name)


def _locked(caller: Caller, found: Server, action: Action) -> Server:
    server = Server.objects.select_for_update(of=("self",)).get(pk=found.pk)
    require(server, action, is_admin=caller.is_admin)
    return server


def _begin(
    caller: Caller, server: Server, task: Server.Task, kind: type[PlugCard] | type[UnplugCard], card: Port
) -> None:
    engine.start(kind, targets=[(Server.TARGET, server.pk)], actor=caller, payload={"port": card.pk})
    server.task = task
    server.save(update_fields=("task", "updated"))
    record(caller, kind.kind, Server.TARGET, server.pk, port=card.pk, network=card.network_id)
