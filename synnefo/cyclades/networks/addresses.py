"""Taking addresses out of subnets. The network's row must be locked by whoever calls.

Which addresses are free is looked up by their numbers, in the database, however many are in use.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Sequence

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict
from synnefo.cyclades.networks import allocation, numbers
from synnefo.cyclades.networks.models import IPAddress, Network, Port, Subnet

MAX_PER_PORT = 5
#: Where guests make their addresses themselves, out of their cards' hardware addresses.
SELF_MADE = ("slaac", "dhcpv6-stateless")


@dataclasses.dataclass(frozen=True)
class FixedIp:
    """An address that is wished for: this one, one of this subnet (uuid), or any."""

    address: str | None = None
    subnet: str | None = None


def take(
    caller: Caller, subnet: Subnet, *, wanted: str | None, port: Port | None = None, floating: bool = False
) -> IPAddress:
    """Reserve an address, which is its port's owner's. Raises Conflict (in use, none left), BadRequest."""
    if wanted is None:
        number = lowest_free(subnet)
        if number is None:
            raise Conflict(f"No more IP addresses available on network {subnet.network.uuid}.")
        address = allocation.address_text(number, subnet.range)
    else:
        found = allocation.parse_address(wanted, subnet.range, "ip_address")
        number, address = allocation.number_of(found), str(found)
        if floating and not allocation.in_pools(usable(subnet), number):
            raise BadRequest(f"{wanted} is not in the network's allocation pools.")
        _check_free(subnet, address, number, for_router=port is not None and port.router_id is not None)
    user, project, shared = caller.user, caller.project, caller.shares_by_default
    if port is not None:
        user, project, shared = port.userid, port.project, port.shared_to_project
    return IPAddress.objects.create(
        userid=user,
        project=project,
        shared_to_project=shared,
        subnet=subnet,
        network_id=subnet.network_id,
        port=port,
        address=address,
        number=number,
        ip_version=subnet.ip_version,
        floating_ip=floating,
    )


def usable(subnet: Subnet) -> list[allocation.Pool]:
    """The pools of a subnet less what an administrator keeps out."""
    return allocation.without(subnet.pools, subnet.reserved)


def lowest_free(subnet: Subnet) -> int | None:
    """The number of the lowest address in the pools that nothing has; None if all are in use."""
    return numbers.lowest_free(IPAddress.objects.filter(subnet=subnet), usable(subnet))


def choose(network: Network, wishes: Sequence[FixedIp] | None) -> list[tuple[Subnet, str | None]]:
    """Subnets and addresses (None: any) for a port. Without wishes one of each version, if there is a subnet.

    Where guests make their addresses themselves, every port has one. Raises BadRequest.
    """
    subnets = list(network.subnets.filter(deleted=False).order_by("pk"))
    if wishes is None:
        chosen = [(subnet, None) for subnet in subnets if subnet.ipv6_mode in SELF_MADE]
        for version in (4, 6):
            given = [one for one in subnets if one.ip_version == version and one.ipv6_mode not in SELF_MADE]
            if given:
                chosen.append((next((one for one in given if lowest_free(one) is not None), given[0]), None))
        return sorted(chosen, key=lambda item: (item[0].ip_version, item[0].pk))
    if len(wishes) > MAX_PER_PORT:
        raise BadRequest(f"A port has at most {MAX_PER_PORT} fixed IPs.")
    return [_chosen(network, subnets, wish) for wish in wishes]


def give(caller: Caller, port: Port, chosen: Sequence[tuple[Subnet, str | None]]) -> None:
    """Take addresses for a port. Raises as ``take``."""
    for subnet, wanted in chosen:
        if wanted is None and subnet.ipv6_mode in SELF_MADE:
            wanted = allocation.by_mac(subnet.range, port.mac)
        take(caller, subnet, wanted=wanted, port=port)


def led_to(port: Port, nat_address: str) -> IPAddress | None:
    """Which of a port's addresses a floating IP leads to: the one named, or the first of IPv4."""
    candidates = sorted((ip for ip in port.addresses.all() if ip.ip_version == 4), key=lambda ip: ip.pk)
    return next((ip for ip in candidates if nat_address in ("", ip.address)), None)


def _chosen(network: Network, subnets: Sequence[Subnet], wish: FixedIp) -> tuple[Subnet, str | None]:
    if wish.subnet is not None:
        subnet = next((one for one in subnets if one.uuid == wish.subnet), None)
        if subnet is None:
            raise BadRequest(f"Subnet {wish.subnet} is not of network {network.uuid}.")
        if wish.address is not None:
            allocation.parse_address(wish.address, subnet.range, "ip_address")
        return subnet, wish.address
    if wish.address is None:
        if not subnets:
            raise BadRequest(f"Network {network.uuid} has no subnet, so a port has no address there.")
        return subnets[0], None
    try:
        address = ipaddress.ip_address(wish.address)
    except ValueError:
        raise BadRequest(f"Invalid ip_address: {wish.address!r} is not an IP address") from None
    subnet = next(
        (one for one in subnets if address.version == one.ip_version and address in one.range), None
    )
    if subnet is None:
        raise BadRequest(f"IP address {wish.address} is not of any subnet of network {network.uuid}.")
    return subnet, wish.address


def _check_free(subnet: Subnet, address: str, number: int, *, for_router: bool) -> None:
    """Raises Conflict. The gateway's address is for routers alone."""
    gateway = address == subnet.gateway and not for_router
    if gateway or IPAddress.objects.filter(network_id=subnet.network_id, address=address).exists():
        raise Conflict(f"Unable to complete operation: the IP address {address} is in use.")
    if allocation.in_pools(subnet.reserved, number):
        raise Conflict(f"Unable to complete operation: the IP address {address} is reserved.")
