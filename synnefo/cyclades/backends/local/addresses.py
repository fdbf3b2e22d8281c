"""The address plan of an installation, and what a network may ask of it.

Owns which ranges the host keeps for itself (transit, floating) and the checks of everything that
reaches configuration files and rules: names, hardware addresses, host names. It touches no system.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from synnefo.cyclades.backends.base import BackendError, Lease, NetworkSpec, Nic

#: Where guests find the metadata service.
METADATA = IPv4Address("169.254.169.254")
#: The domain of the names that a network's leases have in its DNS.
DOMAIN = "cloud.internal"

_TAG = re.compile(r"[a-z0-9]{4,6}")
_NETWORK = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_NIC = re.compile(r"[a-z][a-z0-9-]{0,14}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
# Names of the fabric's own interfaces; a NIC of such a name would pass as one of them.
_RESERVED = re.compile(r"uplink|public|lo|(br|int|ext)-?[0-9]*")


@dataclass(frozen=True)
class AddressPlan:
    """Two ranges: ``transit`` joins the networks to the host, ``floating`` is given out to guests."""

    transit: IPv4Network
    floating: IPv4Network

    @property
    def gateway(self) -> IPv4Address:
        """The host's address on the transit range: default route and DNS of every network."""
        return self.transit[1]

    @property
    def floating_gateway(self) -> IPv4Address:
        """The host's address on the floating range; never given to a guest."""
        return self.floating[1]

    @property
    def networks_max(self) -> int:
        return self.transit.num_addresses - 3

    def transit_address(self, index: int) -> IPv4Address:
        """The address of network number ``index`` (from 1) on the transit range."""
        if not 1 <= index <= self.networks_max:
            raise BackendError(f"The transit range {self.transit} is full")
        return self.transit[index + 1]

    def check(self, spec: NetworkSpec) -> None:
        """Raise BackendError, saying why, if the network cannot be as ``spec`` says."""
        if not _NETWORK.fullmatch(spec.name) or spec.name == "fab":
            raise BackendError(f"{spec.name!r} is not a name for a network")
        if spec.cidr is None:
            if spec.gateway or spec.leases or spec.floating:
                raise BackendError(
                    f"{spec.name} has no range: no gateway, lease or floating address can be in it"
                )
            return
        cidr = _network(spec.cidr)
        if spec.public:
            self._check_public(spec, cidr)
        else:
            self._check_range(cidr)
        if spec.gateway is not None:
            _member(spec.gateway, cidr, "gateway")
        for server in spec.dns_nameservers:
            address(server)
        for lease in spec.leases:
            _check_lease(lease, cidr)
        if spec.floating and spec.gateway is None:
            raise BackendError(f"{spec.name}: floating addresses need a gateway")
        for outer, inner in spec.floating.items():
            if _member(outer, self.floating, "floating address") == self.floating_gateway:
                raise BackendError(f"The floating address {outer} is the host's own")
            _member(inner, cidr, "fixed address")

    def _check_public(self, spec: NetworkSpec, cidr: IPv4Network) -> None:
        if not cidr.subnet_of(self.floating):
            raise BackendError(f"{cidr} is not of {self.floating}, the public range of this host")
        if spec.gateway is not None and address(spec.gateway) != self.floating_gateway:
            raise BackendError(
                f"The way out of {self.floating} is {self.floating_gateway}, not {spec.gateway}"
            )

    def _check_range(self, cidr: IPv4Network) -> None:
        if cidr.prefixlen > 30:
            raise BackendError(f"{cidr} has no room for a gateway and a guest")
        for taken in (self.transit, self.floating, IPv4Network("169.254.0.0/16"), IPv4Network("127.0.0.0/8")):
            if cidr.overlaps(taken):
                raise BackendError(f"{cidr} overlaps {taken}, which is reserved")


def address(text: str) -> IPv4Address:
    """``text`` as an IPv4 address, or BackendError."""
    try:
        return IPv4Address(text)
    except AddressValueError as error:
        raise BackendError(f"{text!r} is not an IPv4 address") from error


def check_tag(tag: str) -> str:
    if not _TAG.fullmatch(tag):
        raise BackendError(f"{tag!r} is not an installation tag: 4 to 6 lower-case letters or digits")
    return tag


def check_nic(nic: Nic) -> None:
    """Raise BackendError if the NIC's name, hardware address or address cannot be used."""
    if not _NIC.fullmatch(nic.name) or _RESERVED.fullmatch(nic.name):
        raise BackendError(f"{nic.name!r} is not a name for a NIC: at most 15 of a-z, 0-9 and -")
    _check_mac(nic.mac)
    if nic.ip is not None:
        address(nic.ip)


def _check_lease(lease: Lease, cidr: IPv4Network) -> None:
    _check_mac(lease.mac)
    _member(lease.ip, cidr, "address")
    if lease.hostname and not _HOSTNAME.fullmatch(lease.hostname):
        raise BackendError(f"{lease.hostname!r} is not a host name")


def _check_mac(mac: str) -> None:
    if not _MAC.fullmatch(mac.lower()):
        raise BackendError(f"{mac!r} is not a hardware address")


def _network(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise BackendError(f"{text!r} is not an IPv4 network") from error


def _member(text: str, cidr: IPv4Network, what: str) -> IPv4Address:
    """The address, which must be one that a machine of ``cidr`` can have."""
    found = address(text)
    if found not in cidr or found in (cidr.network_address, cidr.broadcast_address):
        raise BackendError(f"The {what} {found} is not an address of {cidr}")
    return found
