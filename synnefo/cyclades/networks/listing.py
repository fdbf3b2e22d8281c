"""The lists of networks and of floating IPs: how they are sorted, filtered and searched."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from synnefo.common.listing import Listing
from synnefo.cyclades.networks.models import IPAddress, Network


def _find_network(rows: QuerySet[Network], words: str) -> QuerySet[Network]:
    """By name, uuid, or the beginning of the range."""
    with_range = Network.objects.filter(subnets__cidr__startswith=words).values("pk")
    return rows.filter(Q(name__icontains=words) | Q(uuid=words) | Q(pk__in=with_range))


def _find_address(rows: QuerySet[IPAddress], words: str) -> QuerySet[IPAddress]:
    """By the beginning of the address, uuid, or the name of the server that it leads to."""
    return rows.filter(
        Q(address__startswith=words)
        | Q(uuid=words)
        | Q(nat_port__server__name__icontains=words)
        | Q(port__server__name__icontains=words)
    )


_FREE = Q(nat_port__isnull=True, port__isnull=True)

NETWORKS = Listing(
    path="/ui/networks/",
    noun="network",
    columns={"name": ("Name", ("name", "id")), "created": ("Age", ("created", "id"))},
    usual="-created",
    find=_find_network,
    states={"private": Q(public=False), "public": Q(public=True)},
)
FLOATING_IPS = Listing(
    path="/ui/floating-ips/",
    noun="floating IP",
    columns={"address": ("Address", ("number", "id")), "created": ("Age", ("created", "id"))},
    usual="-created",
    find=_find_address,
    states={"free": _FREE, "in use": ~_FREE},
)
