"""The few writes on networks that rules and operations share."""

from __future__ import annotations

from synnefo.cyclades.networks.models import Network

TARGET = "network"


def lock(network_id: int) -> Network:
    """The network's row, locked: every change of its ports, addresses and revision goes through here."""
    return Network.objects.select_for_update().get(pk=network_id)


def forget(network: Network) -> None:
    """The end of a network that exists in no engine any more."""
    network.subnets.all().delete()
    network.deleted, network.state = True, Network.State.DELETED
    network.save(update_fields=("deleted", "state", "updated"))
