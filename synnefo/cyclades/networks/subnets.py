"""What a subnet may be: checks of ranges, gateways, pools, routes and DNS servers. No database, no caller."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings

from synnefo.common.faults import BadRequest, OverLimit
from synnefo.cyclades.networks import allocation
from synnefo.cyclades.networks.addresses import SELF_MADE

MAX_DNS_SERVERS, MAX_HOST_ROUTES = 5, 20
IPV6_MODES = ("slaac", "dhcpv6-stateful", "dhcpv6-stateless")


@dataclasses.dataclass(frozen=True)
class Wish:
    """A subnet as it is asked for. ``gateway`` is "" for the first address, None for none."""

    cidr: str
    version: int = 4
    gateway: str | None = ""
    dhcp: bool = True
    dns_nameservers: Sequence[str] = ()
    host_routes: Sequence[Mapping[str, str]] = ()
    pools: Sequence[tuple[str, str]] | None = None
    ipv6_mode: str = ""


def checked(wish: Wish, *, public: bool) -> dict[str, object]:
    """The columns of the subnet. Raises BadRequest, Conflict (pools)."""
    space = allocation.parse_cidr(wish.cidr, version=wish.version, loopback=public)
    if not public:
        _check_not_reserved(space)
    gateway = str(space.network_address + 1) if wish.gateway == "" else wish.gateway
    if gateway is not None:
        gateway = str(allocation.parse_address(gateway, space, "gateway_ip"))
    if wish.pools is None:
        pools = allocation.default_pools(space, gateway)
    else:
        pools = allocation.checked_pools(wish.pools, space, gateway)
    _check_mode(wish, space)
    return {
        "cidr": str(space),
        "ip_version": wish.version,
        "gateway": gateway,
        "dhcp": wish.dhcp,
        "dns_nameservers": checked_dns(wish.dns_nameservers),
        "host_routes": checked_routes(wish.host_routes),
        "pools": pools,
        "ipv6_mode": wish.ipv6_mode,
    }


def checked_dns(servers: Sequence[str]) -> list[str]:
    if len(servers) > MAX_DNS_SERVERS:
        raise BadRequest(f"At most {MAX_DNS_SERVERS} DNS servers can be given.")
    try:
        found = [str(ipaddress.ip_address(text)) for text in servers]
    except ValueError as error:
        raise BadRequest(f"Invalid DNS server: {error}") from None
    if len(set(found)) < len(found):
        raise BadRequest("Invalid DNS servers: one is named twice.")
    return found


def checked_routes(routes: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Routes that guests are told. Raises BadRequest."""
    found: list[dict[str, str]] = []
    for route in routes:
        try:
            destination = ipaddress.ip_network(route["destination"], strict=False)
            nexthop = ipaddress.ip_address(route["nexthop"])
        except ValueError as error:
            raise BadRequest(f"Invalid input for host_routes: {error}") from None
        if destination.version != nexthop.version:
            raise BadRequest(f"Invalid input for host_routes: {destination} by way of {nexthop}")
        one = {"destination": str(destination), "nexthop": str(nexthop)}
        if one not in found:
            found.append(one)
    if len(found) > MAX_HOST_ROUTES:
        raise BadRequest(f"At most {MAX_HOST_ROUTES} host routes can be given.")
    return found


def check_size(cidr: str, version: int) -> None:
    """What users of Synnefo's API may make; what is no range at all is refused later.

    Raises OverLimit, with IPv6 BadRequest.
    """
    text = cidr.rpartition("/")[2]
    if not (text.isascii() and text.isdigit()):
        return
    length, (_, longest) = int(text[:3]), allocation.PREFIX_LENGTHS[4]
    if version == 4 and not settings.MAX_CIDR_BLOCK <= length <= longest:
        raise OverLimit(f"Unsupported network mask: between /{settings.MAX_CIDR_BLOCK} and /{longest}.")
    if version == 6 and length != 64:
        raise BadRequest("Unsupported IPv6 network mask: it must be /64.")


def _check_mode(wish: Wish, space: allocation.Space) -> None:
    if not wish.ipv6_mode:
        return
    if wish.version != 6:
        raise BadRequest("ipv6_ra_mode or ipv6_address_mode cannot be set when ip_version is 4")
    if wish.ipv6_mode not in IPV6_MODES:
        raise BadRequest(
            f"Invalid input for ipv6_address_mode: '{wish.ipv6_mode}' is not in {list(IPV6_MODES)}."
        )
    if not wish.dhcp:
        raise BadRequest("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False.")
    if wish.ipv6_mode in SELF_MADE and space.prefixlen != 64:
        raise BadRequest(f"Invalid CIDR {space} for IPv6 address mode: guests make their addresses in a /64.")


def _check_not_reserved(space: allocation.Space) -> None:
    """Ranges that the engine of this machine needs for itself cannot be a tenant's."""
    public = [text.partition("@")[0] for text in settings.CYCLADES_LOCAL_PUBLIC_RANGES]
    reserved = (settings.CYCLADES_LOCAL_FLOATING_RANGE, settings.CYCLADES_LOCAL_TRANSIT_RANGE, *public)
    for text in reserved:
        if space.version == 4 and space.overlaps(ipaddress.ip_network(text)):
            raise BadRequest(f"Invalid cidr {space}: it overlaps {text}, which the cloud uses itself.")
