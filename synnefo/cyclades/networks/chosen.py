"""Networks that servers are on by the cloud's settings: those of every server, and those of one for which
none is asked.

An entry of either setting is a network's number, ``SNF:ANY_PUBLIC_IPV4``, ``SNF:ANY_PUBLIC_IPV6`` or
``SNF:ANY_PUBLIC``, or a list of such, of which the first that has an address left is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.conf import settings
from django.db.models import QuerySet

from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, ServiceUnavailable
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks import addresses, floating, ports
from synnefo.cyclades.networks.models import Network, Port

ANY_IPV4, ANY_IPV6, ANY = "SNF:ANY_PUBLIC_IPV4", "SNF:ANY_PUBLIC_IPV6", "SNF:ANY_PUBLIC"


def places(*, usual: bool) -> set[int]:
    """All networks that may be concerned, to be locked first; ``usual``: also if none is asked for."""
    entries = list(settings.CYCLADES_FORCED_SERVER_NETWORKS)
    if usual:
        entries += settings.CYCLADES_DEFAULT_SERVER_NETWORKS
    return {network.pk for entry in entries for network in _candidates(entry)}


def forced(caller: Caller, locked: Mapping[int, Network]) -> list[Port]:
    """Cards that every server has; addresses of these cost nothing. Raises ServiceUnavailable (none left)."""
    try:
        entries = settings.CYCLADES_FORCED_SERVER_NETWORKS
        return [_first(caller, entry, locked, forced=True) for entry in entries]
    except Conflict as fault:
        raise ServiceUnavailable(fault.message) from None


def usual(caller: Caller, locked: Mapping[int, Network]) -> list[Port]:
    """Cards of a server for which no network is asked: on public networks with floating IPs of the caller's.

    Raises Conflict if he has none that is free, or a network has no address left.
    """
    entries = settings.CYCLADES_DEFAULT_SERVER_NETWORKS
    return [_first(caller, entry, locked, forced=False) for entry in entries]


def _first(caller: Caller, entry: object, locked: Mapping[int, Network], *, forced: bool) -> Port:
    reason = "There is no such network."
    for candidate in _candidates(entry):
        try:
            with atomic():
                return _card(caller, locked[candidate.pk], forced=forced)
        except Conflict as fault:
            reason = fault.message
    raise Conflict(f"No network of {entry} has an address left: {reason}")


def _card(caller: Caller, network: Network, *, forced: bool) -> Port:
    """Raises Conflict."""
    if not network.public:
        return ports.add(caller, network)
    if network.drained:
        raise Conflict(f"Network {network.pk} takes no more ports.")
    subnets = list(network.subnets.filter(ip_version=4, deleted=False).order_by("pk"))
    if subnets and not forced:
        free = floating.unused(caller, network)
        if free is None:
            raise Conflict(f"There is no free floating IP on network {network.pk}.")
        return floating.port_with(caller, network, free.address)
    chosen = addresses.choose(network, None)
    if any(subnet.ip_version == 4 and addresses.lowest_free(subnet) is None for subnet, _ in chosen):
        raise Conflict(f"No more IP addresses available on network {network.pk}.")
    port = ports.bare(caller, network)
    addresses.give(caller, port, chosen)
    return port


def _candidates(entry: object) -> list[Network]:
    """The networks that an entry means, in the order in which they are tried."""
    if isinstance(entry, Sequence) and not isinstance(entry, str):
        return [network for one in entry for network in _candidates(one)]
    ipv4 = _public().filter(subnets__ip_version=4).distinct()
    ipv6 = _public().filter(subnets__ip_version=6).exclude(pk__in=ipv4).distinct()
    words = {ANY_IPV4: [ipv4], ANY_IPV6: [ipv6[:1]], ANY: [ipv4, ipv6[:1]]}
    if isinstance(entry, str) and entry in words:
        return [network for rows in words[entry] for network in rows]
    return list(Network.objects.filter(pk=int(str(entry)), deleted=False, deleting=False))


def _public() -> QuerySet[Network]:
    return Network.objects.filter(public=True, drained=False, deleted=False, deleting=False).order_by("pk")
