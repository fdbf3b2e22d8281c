"""Address arithmetic: pools of a subnet, the first free address, MAC addresses. Pure functions."""

from __future__ import annotations

import ipaddress
import itertools
import random
from collections.abc import Iterable, Sequence

from synnefo.common.faults import BadRequest, Conflict

Pool = tuple[int, int]

SMALLEST_PREFIX_LENGTH = 8
LARGEST_PREFIX_LENGTH = 29


def parse_cidr(text: str, *, loopback: bool = False) -> ipaddress.IPv4Network:
    """An IPv4 range without host bits, /8 to /29. Raises BadRequest.

    ``loopback``: floating IPs of an engine without rights on its host are loopback addresses.
    """
    try:
        found = ipaddress.IPv4Network(text, strict=True)
    except ValueError as error:
        raise BadRequest(f"Invalid cidr: {error}") from None
    if not SMALLEST_PREFIX_LENGTH <= found.prefixlen <= LARGEST_PREFIX_LENGTH:
        raise BadRequest(f"Invalid cidr {text}: the prefix length must be between 8 and 29")
    if (
        found.is_multicast
        or (found.is_loopback and not loopback)
        or found.is_link_local
        or found.is_unspecified
    ):
        raise BadRequest(f"Invalid cidr {text}: this range cannot be used by servers")
    return found


def parse_address(text: str, cidr: ipaddress.IPv4Network, what: str = "address") -> ipaddress.IPv4Address:
    """An address of hosts in the range. Raises BadRequest."""
    try:
        found = ipaddress.IPv4Address(text)
    except ValueError:
        raise BadRequest(f"Invalid {what}: {text!r} is not an IPv4 address") from None
    if found not in cidr or found in (cidr.network_address, cidr.broadcast_address):
        raise BadRequest(f"Invalid {what}: {text} is not a host address of {cidr}")
    return found


def default_pools(cidr: ipaddress.IPv4Network, gateway: str | None) -> list[Pool]:
    """Every host address but the gateway, as one or two runs."""
    first, last = int(cidr.network_address) + 1, int(cidr.broadcast_address) - 1
    if gateway is None:
        return [(first, last)]
    gate = int(ipaddress.IPv4Address(gateway))
    return [(low, high) for low, high in ((first, gate - 1), (gate + 1, last)) if low <= high]


def checked_pools(
    wanted: Iterable[tuple[str, str]], cidr: ipaddress.IPv4Network, gateway: str | None
) -> list[Pool]:
    """Pools as asked for: inside the range, apart, without the gateway. Raises BadRequest, Conflict."""
    pools = []
    for start, end in wanted:
        low, high = int(parse_address(start, cidr, "pool start")), int(parse_address(end, cidr, "pool end"))
        if low > high:
            raise BadRequest(f"Invalid allocation pool: {start} is above {end}")
        if gateway is not None and low <= int(ipaddress.IPv4Address(gateway)) <= high:
            raise Conflict("Gateway ip conflicts with an allocation pool")
        pools.append((low, high))
    pools.sort()
    for (_, before), (after, _) in itertools.pairwise(pools):
        if after <= before:
            raise Conflict("Allocation pools overlap")
    return pools


def first_free(pools: Sequence[Sequence[int]], used: Iterable[int]) -> int | None:
    """The lowest address of the pools that is not used; ``used`` must be ascending. None if all are."""
    taken = iter(used)
    current = next(taken, None)
    for low, high in pools:
        candidate = low
        while current is not None and current < candidate:
            current = next(taken, None)
        while current is not None and current == candidate:
            candidate += 1
            current = next(taken, None)
        if candidate <= high:
            return candidate
    return None


def in_pools(pools: Sequence[Sequence[int]], number: int) -> bool:
    return any(low <= number <= high for low, high in pools)


def address_text(number: int) -> str:
    return str(ipaddress.IPv4Address(number))


def random_mac(prefix: str) -> str:
    """A MAC address beginning with the prefix (hex digits in pairs, the last may be half a pair)."""
    digits = prefix.replace(":", "")
    rest = 12 - len(digits)
    digits += f"{random.SystemRandom().getrandbits(4 * rest):0{rest}x}"
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))
