"""Which engines have a network: they get it when a server needs it, or when an administrator says so."""

from __future__ import annotations

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.networks.models import BackendNetwork, Network
from synnefo.cyclades.networks.state import TARGET, lock
from synnefo.cyclades.operations.networks import WithdrawNetwork, changed
from synnefo.engine import rules as engine


def give(caller: Caller, network: Network, backend: Backend) -> None:
    """Let an engine have a network, whether a server needs it there or not."""
    with atomic():
        locked = lock(network.pk)
        BackendNetwork.objects.get_or_create(network=locked, backend=backend)
        changed(locked, caller)
        record(caller, "network.give", TARGET, locked.pk, backend=backend.name)


def withdraw(caller: Caller, network: Network, backend: Backend) -> None:
    """Take a network from an engine. Raises Conflict (servers, an operation under way), ItemNotFound."""
    with atomic():
        locked = lock(network.pk)
        if not locked.in_backends.filter(backend=backend).exists():
            raise ItemNotFound(f"Network {network.pk} is not on {backend.name}.")
        if locked.ports.filter(server__backend=backend).exists():
            raise Conflict(f"Servers on {backend.name} are connected to network {network.pk}.")
        engine.start(
            WithdrawNetwork, targets=[(TARGET, locked.pk)], actor=caller, payload={"backend": backend.pk}
        )
        record(caller, "network.withdraw", TARGET, locked.pk, backend=backend.name)
