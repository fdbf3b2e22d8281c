"""Address arithmetic: ranges, pools of a subnet, hardware addresses. Pure functions.

An address has a number by which it is kept in order: all of it with IPv4; with IPv6 the lower 64 bits
less 2^63, which fits the databases' integers. Within a subnet, whose upper bits are all the same, a number
means one address.
"""

from __future__ import annotations

import ipaddress
import itertools
import random
import re
from collections.abc import Iterable, Sequence

from synnefo.common.faults import BadRequest, Conflict

Pool = tuple[int, int]
Space = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Prefix lengths of subnets, by version.
PREFIX_LENGTHS = {4: (8, 29), 6: (64, 126)}
_LOWER_64, _HALF = 2**64 - 1, 2**63
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
_EUI64_FILLING = 0xFFFE


def parse_cidr(text: str, *, version: int = 4, loopback: bool = False) -> Space:
    """A range without host bits that servers can use. Raises BadRequest.

    ``loopback``: floating IPs of an engine without rights on its host are loopback addresses.
    """
    try:
        found = ipaddress.ip_network(text, strict=True)
    except ValueError as error:
        raise BadRequest(f"Invalid cidr: {error}") from None
    if found.version != version:
        raise BadRequest(f"Invalid cidr {text}: it is no range of IPv{version}")
    shortest, longest = PREFIX_LENGTHS[version]
    if not shortest <= found.prefixlen <= longest:
        raise BadRequest(f"Invalid cidr {text}: the prefix length must be between {shortest} and {longest}")
    looped = found.is_loopback and not loopback
    if looped or found.is_multicast or found.is_link_local or found.is_unspecified:
        raise BadRequest(f"Invalid cidr {text}: this range cannot be used by servers")
    return found


def parse_address(text: str, cidr: Space, what: str = "address") -> Address:
    """An address of hosts in the range. Raises BadRequest."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise BadRequest(f"Invalid {what}: {text!r} is not an IP address") from None
    low, high = _hosts(cidr)
    if found.version != cidr.version or not low <= int(found) <= high:
        raise BadRequest(f"Invalid {what}: {text} is not a host address of {cidr}")
    return found


def number_of(address: Address) -> int:
    return int(address) if address.version == 4 else (int(address) & _LOWER_64) - _HALF


def address_text(number: int, cidr: Space) -> str:
    """The address of a range that has this number."""
    if cidr.version == 4:
        return str(ipaddress.IPv4Address(number))
    return str(ipaddress.IPv6Address(int(cidr.network_address) & ~_LOWER_64 | number + _HALF))


def default_pools(cidr: Space, gateway: str | None) -> list[Pool]:
    """Every host address but the gateway, as one or two runs."""
    first, last = (_numbered(value, cidr) for value in _hosts(cidr))
    if gateway is None:
        return [(first, last)]
    gate = number_of(ipaddress.ip_address(gateway))
    return [(low, high) for low, high in ((first, gate - 1), (gate + 1, last)) if low <= high]


def checked_pools(wanted: Iterable[tuple[str, str]], cidr: Space, gateway: str | None) -> list[Pool]:
    """Pools as asked for: inside the range, apart, without the gateway. Raises BadRequest, Conflict."""
    pools = []
    for start, end in wanted:
        low = number_of(parse_address(start, cidr, "pool start"))
        high = number_of(parse_address(end, cidr, "pool end"))
        if low > high:
            raise BadRequest(f"Invalid allocation pool: {start} is above {end}")
        pools.append((low, high))
    pools.sort()
    for (_, before), (after, _) in itertools.pairwise(pools):
        if after <= before:
            raise Conflict("Allocation pools overlap")
    check_gateway(pools, gateway)
    return pools


def check_gateway(pools: Sequence[Sequence[int]], gateway: str | None) -> None:
    """Raises Conflict if the gateway is in a pool."""
    if gateway is not None and in_pools(pools, number_of(ipaddress.ip_address(gateway))):
        raise Conflict(f"Gateway ip {gateway} conflicts with an allocation pool")


def without(pools: Iterable[Sequence[int]], reserved: Iterable[Sequence[int]]) -> list[Pool]:
    """The pools less what is reserved, in order."""
    left = [(low, high) for low, high in pools]
    for start, end in reserved:
        pieces = (
            piece for low, high in left for piece in ((low, min(high, start - 1)), (max(low, end + 1), high))
        )
        left = [(low, high) for low, high in pieces if low <= high]
    return sorted(left)


def merged(runs: Iterable[Sequence[int]]) -> list[Pool]:
    """The same numbers in as few runs as can be."""
    found: list[Pool] = []
    for low, high in sorted((low, high) for low, high in runs):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


def in_pools(pools: Sequence[Sequence[int]], number: int) -> bool:
    return any(low <= number <= high for low, high in pools)


def by_mac(cidr: Space, mac: str) -> str:
    """The address that a guest with this card makes itself in a range of IPv6 (modified EUI-64)."""
    digits = int(mac.replace(":", ""), 16) ^ (1 << 41)
    upper, lower = digits >> 24, digits & 0xFFFFFF
    return str(ipaddress.IPv6Address(int(cidr.network_address) | upper << 40 | _EUI64_FILLING << 24 | lower))


def parse_mac(text: str) -> str:
    """A hardware address of one card, in lower case with colons. Raises BadRequest."""
    found = text.lower().replace("-", ":")
    if not _MAC.fullmatch(found) or int(found[:2], 16) & 1 or found == "00:00:00:00:00:00":
        raise BadRequest(f"Invalid input for mac_address: '{text}' is not a valid MAC address.")
    return found


def random_mac(prefix: str) -> str:
    """A MAC address beginning with the prefix (hex digits in pairs, the last may be half a pair)."""
    digits = prefix.replace(":", "")
    rest = 12 - len(digits)
    digits += f"{random.SystemRandom().getrandbits(4 * rest):0{rest}x}"
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


def _hosts(cidr: Space) -> tuple[int, int]:
    """The first and the last address that a host can have; IPv6 knows no broadcast."""
    first, last = int(cidr.network_address) + 1, int(cidr.broadcast_address)
    return first, last - 1 if cidr.version == 4 else last


def _numbered(value: int, cidr: Space) -> int:
    return value if cidr.version == 4 else (value & _LOWER_64) - _HALF
