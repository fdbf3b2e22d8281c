"""The few writes on networks and routers that rules and operations share.

Locks are taken in this order: networks by id, routers by id, groups by id.
"""

from __future__ import annotations

from synnefo.cyclades.networks.models import Network, PoolUse, Router

TARGET = "network"
ROUTER = "router"
GROUP = "security_group"


def lock(network_id: int) -> Network:
    """The network's row, locked: every change of its ports, addresses and revision goes through here."""
    return Network.objects.select_for_update().get(pk=network_id)


def lock_router(router_id: int) -> Router:
    """The router's row, locked: every change of its interfaces, routes and revision goes through here."""
    return Router.objects.select_for_update().get(pk=router_id)


def forget(network: Network) -> None:
    """The end of a network that exists in no engine any more; what it had of pools is free again."""
    network.subnets.all().delete()
    PoolUse.objects.filter(network=network).delete()
    network.deleted, network.state = True, Network.State.DELETED
    network.save(update_fields=("deleted", "state", "updated"))
