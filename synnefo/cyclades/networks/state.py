"""The few writes on networks that rules and operations share."""

from __future__ import annotations

from synnefo.cyclades.networks.models import Network, Port

TARGET = "network"


def lock(network_id: int) -> Network:
    """The network's row, locked: every change of its ports, addresses and revision goes through here."""
    return Network.objects.select_for_update().get(pk=network_id)


def forget(network: Network) -> None:
    """The end of a network that exists in no engine any more."""
    network.subnets.all().delete()
    network.deleted, network.state = True, Network.State.DELETED
    network.save(update_fields=("deleted", "state", "updated"))


def discard(port: Port) -> None:
    """The end of a port on a locked network; floating IPs that it had are free again."""
    port.floating_ips.update(nat_port=None, nat_revision=0)
    port.addresses.filter(floating_ip=True).update(port=None)
    port.delete()
