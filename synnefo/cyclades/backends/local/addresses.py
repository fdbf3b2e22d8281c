"""The address plan of an installation, and addresses as the network's parts speak of them.

Owns which ranges the host keeps for itself (transit) and gives out (public), and how addresses and the
subnets of a network are read from text. What a network may ask of all this is ``wishes``'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from synnefo.cyclades.backends.base import BackendError, NetworkSpec, SubnetSpec

Address = IPv4Address | IPv6Address
Range = IPv4Network | IPv6Network

#: Where guests find the metadata service.
METADATA = IPv4Address("169.254.169.254")
#: The domain of the names that a network's leases have in its DNS.
DOMAIN = "cloud.internal"
LINK_LOCAL = IPv6Network("fe80::/64")


@dataclass(frozen=True)
class PublicRange:
    """Addresses that are given out to guests; the host is their way out, at the first of them.

    ``hidden``: what leaves the host gets the host's own address, because nobody outside knows the way back.
    ``lan``: the interface of this host on whose wire the range's addresses belong; the host answers ARP for
    them there. Empty: others reach them by a route to this host.
    """

    cidr: IPv4Network
    lan: str = ""
    hidden: bool = False

    @property
    def gateway(self) -> IPv4Address:
        """The host's address on it; never given to a guest."""
        return self.cidr[1]

    @classmethod
    def read(cls, text: str) -> PublicRange:
        """From ``192.0.2.0/24`` or ``192.0.2.128/25@eth0``; BackendError."""
        cidr, _, lan = text.strip().partition("@")
        try:
            return cls(IPv4Network(cidr), lan)
        except ValueError as error:
            raise BackendError(f"{text!r} is not a public range: {error}") from error


@dataclass(frozen=True)
class AddressPlan:
    """``transit`` joins the networks to the host, ``floating`` and ``more`` are given out to guests."""

    transit: IPv4Network
    floating: IPv4Network
    more: tuple[PublicRange, ...] = ()

    @property
    def gateway(self) -> IPv4Address:
        """The host's address on the transit range: default route and DNS of every network."""
        return self.transit[1]

    @property
    def public(self) -> tuple[PublicRange, ...]:
        return (PublicRange(self.floating, hidden=True), *self.more)

    @property
    def floating_gateway(self) -> IPv4Address:
        return self.public[0].gateway

    def public_of(self, wanted: Address | Range) -> PublicRange | None:
        """The public range that an address, or the whole of a range, is of."""
        for each in self.public:
            if isinstance(wanted, IPv4Address) and wanted in each.cidr:
                return each
            if isinstance(wanted, IPv4Network) and wanted.subnet_of(each.cidr):
                return each
        return None

    @property
    def networks_max(self) -> int:
        """As many as have a transit address and a zone of tracked connections."""
        return min(self.transit.num_addresses - 3, 2**16 - 1)

    def transit_address(self, index: int) -> IPv4Address:
        """The address of network number ``index`` (from 1) on the transit range."""
        if not 1 <= index <= self.networks_max:
            raise BackendError(f"The transit range {self.transit} is full")
        return self.transit[index + 1]


@dataclass(frozen=True)
class Subnet:
    """A range of a network, read. ``mode`` is that of IPv6: slaac, dhcpv6-stateful or -stateless."""

    cidr: Range
    gateway: Address | None
    dhcp: bool
    dns: tuple[Address, ...]
    routes: tuple[tuple[Range, Address], ...]
    mode: str

    @property
    def version(self) -> int:
        return self.cidr.version


def subnets_of(spec: NetworkSpec) -> list[Subnet]:
    """All subnets of a network, the first IPv4 one first; BackendError for what is no address."""
    first = SubnetSpec(spec.cidr or "", spec.gateway, spec.dhcp, spec.dns_nameservers, spec.host_routes)
    return [_subnet(each) for each in ([first] if spec.cidr else []) + list(spec.more_subnets)]


def _subnet(spec: SubnetSpec) -> Subnet:
    return Subnet(
        cidr=network(spec.cidr),
        gateway=address(spec.gateway) if spec.gateway else None,
        dhcp=spec.dhcp,
        dns=tuple(address(each) for each in spec.dns_nameservers),
        routes=tuple((network(to), address(via)) for to, via in spec.host_routes),
        mode=spec.ipv6_mode or "slaac",
    )


def containing(subnets: Sequence[Subnet], wanted: Address) -> Subnet | None:
    return next((each for each in subnets if wanted in each.cidr), None)


def address(text: str) -> Address:
    """``text`` as an address, or BackendError."""
    try:
        return ip_address(text)
    except ValueError as error:
        raise BackendError(f"{text!r} is not an IP address") from error


def network(text: str) -> Range:
    """``text`` as a range, or BackendError."""
    try:
        return ip_network(text)
    except ValueError as error:
        raise BackendError(f"{text!r} is not a range of IP addresses: {error}") from error


def eui64(prefix: IPv6Network, mac: str) -> IPv6Address:
    """The address that a card of this hardware address gives itself in ``prefix`` (a /64)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    number = bytes((octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]))
    return prefix[int.from_bytes(number, "big")]


def hosts(cidr: IPv4Network) -> Iterator[IPv4Address]:
    """The addresses of a public range that guests may have."""
    return (each for number, each in enumerate(cidr.hosts()) if number > 0)
