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
from synnefo.cyclades.servers.acting import require_engine
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
        server = _with_room(caller, found)
        network = lock(network.pk)
        card = new_card(caller, network, address, name=name)
        card.made_by_server = True
        _put_in(caller, server, network, card)
    return ports.get(caller, card.uuid)


def plug_port(caller: Caller, found: Server, port: Port) -> Port:
    """Give a server one more card: a port that no server has. Raises as ``plug``."""
    with atomic():
        server = _with_room(caller, found)
        network = lock(port.network_id)
        card = Port.objects.filter(pk=port.pk).first()
        if card is None or card.server_id is not None or card.device_owner:
            raise Conflict(f"Port {port.uuid} is still in use.")
        _put_in(caller, server, network, card)
    return ports.get(caller, card.uuid)


def unplug(caller: Caller, port: Port, *, keep: bool = False) -> None:
    """Take a card from its server; it is gone when that is done. A port that no server has goes at once.

    With ``keep`` it is free again instead, if it was not made for the server.

    Raises Forbidden (a public card without a floating IP, a suspended server), Conflict, as ``plug``.
    """
    if port.network.public and not port.addresses.filter(floating_ip=True).exists():
        raise Forbidden("A card on a public network without a floating IP belongs to the cloud.")
    if port.server is None:
        ports.delete(caller, port.uuid)
        return
    with atomic():
        server = _locked(caller, port.server, Action.UNPLUG)
        _begin(
            caller, server, Server.Task.DISCONNECT, UnplugCard, port, keep=keep and not port.made_by_server
        )


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
    return floating.port_with(caller, network, address, name=name, groups=groups)


def _locked(caller: Caller, found: Server, action: Action) -> Server:
    server = Server.objects.select_for_update(of=("self",)).get(pk=found.pk)
    require(server, action, is_admin=caller.is_admin)
    return server


def _with_room(caller: Caller, found: Server) -> Server:
    server = _locked(caller, found, Action.PLUG)
    if server.ports.count() >= settings.CYCLADES_MAX_NICS:
        raise BadRequest(f"A server has at most {settings.CYCLADES_MAX_NICS} network cards.")
    return server


def _put_in(caller: Caller, server: Server, network: Network, card: Port) -> None:
    """Make a card the last one of a locked server, on a locked network."""
    last = server.ports.aggregate(last=Max("index"))["last"]
    card.server, card.index = server, 0 if last is None else last + 1
    card.state, card.device_owner = Port.State.BUILD, Port.OWNER_COMPUTE
    card.save()
    associated(card)
    changed(network, caller)
    _begin(caller, server, Server.Task.CONNECT, PlugCard, card)


def _begin(
    caller: Caller, server: Server, task: Server.Task, kind: type[PlugCard] | type[UnplugCard], card: Port,
    **payload: object,
) -> None:  # fmt: skip
    payload["port"] = card.pk
    require_engine(server)
    engine.start(kind, targets=[(Server.TARGET, server.pk)], actor=caller, payload=payload)
    server.task = task
    server.save(update_fields=("task", "updated"))
    record(caller, kind.kind, Server.TARGET, server.pk, port=card.pk, network=card.network_id)
