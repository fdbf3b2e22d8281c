"""What may be asked of a network or a router: everything that reaches configuration files and rules.

Owns the checks of names, hardware addresses, host names, ranges and filters. It touches no system.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from synnefo.cyclades.backends.base import (
    BackendError,
    CardFilter,
    FilterRule,
    NetworkSpec,
    Nic,
    RouterSpec,
)
from synnefo.cyclades.backends.local.addresses import (
    LINK_LOCAL,
    Address,
    AddressPlan,
    Subnet,
    address,
    network,
    subnets_of,
)

_TAG = re.compile(r"[a-z0-9]{4,6}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_NIC = re.compile(r"[a-z][a-z0-9-]{0,14}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
# Names of the fabric's own interfaces; a NIC of such a name would pass as one of them.
_RESERVED = re.compile(r"uplink|public|lo|br[0-9]*|(int|ext|in|out|lan)-.*")
_OURS = ("169.254.0.0/16", "127.0.0.0/8", "224.0.0.0/4", "fe80::/10", "ff00::/8", "::/8")
_MODES = ("slaac", "dhcpv6-stateful", "dhcpv6-stateless")
_MTU = range(576, 65536)

#: What rules may call the protocols that IANA has numbered; other protocols are asked for by number.
PROTOCOLS = {
    "icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "egp": 8, "udp": 17, "dccp": 33, "ipv6-encap": 41,
    "ipv6-route": 43, "ipv6-frag": 44, "rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58,
    "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ospf": 89, "pgm": 113, "vrrp": 112, "sctp": 132,
    "udplite": 136,
}  # fmt: skip
_WITH_PORTS = (6, 17, 33, 132, 136)
ICMP, ICMPV6 = 1, 58


def check_network(spec: NetworkSpec, plan: AddressPlan) -> None:
    """Raise BackendError, saying why, if the network cannot be as ``spec`` says."""
    if not _NAME.fullmatch(spec.name) or spec.name == "fab":
        raise BackendError(f"{spec.name!r} is not a name for a network")
    if spec.mtu not in _MTU:
        raise BackendError(f"{spec.name}: {spec.mtu} is not an MTU")
    if spec.cidr is None and spec.gateway:
        raise BackendError(f"{spec.name} has no range: no gateway can be in it")
    subnets = subnets_of(spec)
    for number, subnet in enumerate(subnets):
        _check_subnet(subnet, plan, public=spec.public)
        if clash := next((each for each in subnets[:number] if _overlap(each, subnet)), None):
            raise BackendError(f"{spec.name}: {subnet.cidr} overlaps {clash.cidr}")
    for lease in spec.leases:
        check_mac(lease.mac)
        _check_member(address(lease.ip), subnets, "address")
        if lease.hostname and not _HOSTNAME.fullmatch(lease.hostname):
            raise BackendError(f"{lease.hostname!r} is not a host name")
    _check_leads(spec, subnets, plan)
    for each in spec.filters:
        _check_filter(each, spec)
    for members in spec.address_sets.values():
        for member in members:
            network(member)


def check_router(spec: RouterSpec, plan: AddressPlan) -> None:
    """Raise BackendError, saying why, if the router cannot be as ``spec`` says."""
    if not _NAME.fullmatch(spec.name):
        raise BackendError(f"{spec.name!r} is not a name for a router")
    for _, inner in spec.interfaces:
        _interface(inner)
    if spec.external is not None:
        _check_public_address(spec.external, plan, "address of the router")
    elif spec.floating:
        raise BackendError(f"{spec.name}: floating addresses need a way out")
    for outer, fixed in spec.floating.items():
        _check_public_address(outer, plan, "floating address")
        address(fixed)
    for destination, via in spec.routes:
        if network(destination).version != address(via).version:
            raise BackendError(f"{spec.name}: {destination} cannot be by way of {via}")


def check_tag(tag: str) -> str:
    if not _TAG.fullmatch(tag):
        raise BackendError(f"{tag!r} is not an installation tag: 4 to 6 lower-case letters or digits")
    return tag


def check_nic(nic: Nic) -> None:
    """Raise BackendError if the NIC's name, hardware address or address cannot be used."""
    if not _NIC.fullmatch(nic.name) or _RESERVED.fullmatch(nic.name):
        raise BackendError(f"{nic.name!r} is not a name for a NIC: at most 15 of a-z, 0-9 and -")
    check_mac(nic.mac)
    for each in (*([nic.ip] if nic.ip else []), *nic.more_ips):
        address(each)


def check_mac(mac: str) -> None:
    if not _MAC.fullmatch(mac.lower()):
        raise BackendError(f"{mac!r} is not a hardware address")


def protocol_number(rule: FilterRule) -> int | None:
    """The rule's protocol, None for all. "icmp" is that of the rule's family."""
    if not rule.protocol or rule.protocol == "any":
        return None
    name = rule.protocol.lower()
    number = int(name) if name.isascii() and name.isdecimal() else PROTOCOLS.get(name)
    if number is None or number > 255:
        raise BackendError(f"{rule.protocol!r} is not a protocol")
    return ICMPV6 if number == ICMP and rule.ethertype == "IPv6" else number


# -- parts --------------------------------------------------------------------------------------
def _check_subnet(subnet: Subnet, plan: AddressPlan, *, public: bool) -> None:
    cidr = subnet.cidr
    if public:
        _check_public_range(subnet, plan)
    else:
        _check_range(cidr, plan)
    if subnet.gateway is not None and subnet.gateway not in LINK_LOCAL:
        _check_member(subnet.gateway, [subnet], "gateway")
    if cidr.version == 6 and subnet.dhcp:
        if subnet.mode not in _MODES:
            raise BackendError(f"{subnet.mode!r} is not a way to IPv6 addresses: {', '.join(_MODES)}")
        if cidr.prefixlen != 64 and subnet.mode != "dhcpv6-stateful":
            raise BackendError(f"{cidr} must be a /64 for guests to make addresses in it by themselves")
    for destination, via in subnet.routes:
        if {destination.version, via.version} != {cidr.version}:
            raise BackendError(f"{cidr}: {destination} cannot be by way of {via}")
    if any(server.version != cidr.version for server in subnet.dns):
        raise BackendError(f"{cidr}: its name servers must be of its own family")


def _check_public_range(subnet: Subnet, plan: AddressPlan) -> None:
    known = plan.public_of(subnet.cidr)
    if known is None:
        ranges = ", ".join(str(each.cidr) for each in plan.public)
        raise BackendError(f"{subnet.cidr} is not of {ranges}, the public ranges of this host")
    if subnet.gateway is not None and subnet.gateway != known.gateway:
        raise BackendError(f"The way out of {known.cidr} is {known.gateway}, not {subnet.gateway}")


def _check_range(cidr: IPv4Network | IPv6Network, plan: AddressPlan) -> None:
    if cidr.num_addresses < 4:
        raise BackendError(f"{cidr} has no room for a gateway and a guest")
    for taken in (plan.transit, *(each.cidr for each in plan.public), *map(network, _OURS)):
        if cidr.version == taken.version and cidr.overlaps(taken):
            raise BackendError(f"{cidr} overlaps {taken}, which is reserved")


def _check_leads(spec: NetworkSpec, subnets: Sequence[Subnet], plan: AddressPlan) -> None:
    if spec.floating and spec.routed:
        raise BackendError(f"{spec.name}: its floating addresses are led by its router")
    if spec.floating and not any(each.version == 4 and each.gateway for each in subnets):
        raise BackendError(f"{spec.name}: floating addresses need a gateway")
    for outer, inner in spec.floating.items():
        _check_public_address(outer, plan, "floating address")
        _check_member(address(inner), subnets, "fixed address")


def _check_public_address(text: str, plan: AddressPlan, what: str) -> None:
    found = address(text)
    known = plan.public_of(found)
    if known is None or found in (known.cidr.network_address, known.cidr.broadcast_address):
        ranges = " or ".join(str(each.cidr) for each in plan.public)
        raise BackendError(f"The {what} {found} is not an address of {ranges}")
    if found == known.gateway:
        raise BackendError(f"The {what} {found} is the host's own")


def _check_member(found: Address, subnets: Sequence[Subnet], what: str) -> None:
    """The address must be one that a machine of the subnets can have."""
    for each in subnets:
        edges = {each.cidr.network_address, *([each.cidr.broadcast_address] if each.version == 4 else [])}
        if found in each.cidr and found not in edges:
            return
    ranges = " or ".join(str(each.cidr) for each in subnets)
    raise BackendError(f"The {what} {found} is not an address of {ranges or 'a network without a range'}")


def _check_filter(each: CardFilter, spec: NetworkSpec) -> None:
    for pair, mac in each.address_pairs:
        network(pair)
        if mac:
            check_mac(mac)
    for rule in each.rules or ():
        _check_rule(rule, spec)


def _check_rule(rule: FilterRule, spec: NetworkSpec) -> None:
    if rule.direction not in ("ingress", "egress") or rule.ethertype not in ("IPv4", "IPv6"):
        raise BackendError(f"{spec.name}: {rule.direction} {rule.ethertype} is no rule")
    if rule.remote_cidr and network(rule.remote_cidr).version != int(rule.ethertype[-1]):
        raise BackendError(f"{spec.name}: {rule.remote_cidr} is not {rule.ethertype}")
    if rule.remote_set and rule.remote_set not in spec.address_sets:
        raise BackendError(f"{spec.name}: there is no set of addresses {rule.remote_set!r}")
    number = protocol_number(rule)
    if rule.port_min is None and rule.port_max is None:
        return
    if number in (ICMP, ICMPV6):
        if rule.port_min is None or not all(0 <= part <= 255 for part in _given(rule)):
            raise BackendError(f"{spec.name}: {rule.port_min}/{rule.port_max} is no type and code of ICMP")
        return
    if number not in _WITH_PORTS or not all(0 <= port <= 65535 for port in _given(rule)):
        raise BackendError(f"{spec.name}: {rule.protocol or 'every protocol'} has no such ports")
    if len(_given(rule)) < 2 or _given(rule)[0] > _given(rule)[1]:
        raise BackendError(f"{spec.name}: {rule.port_min}-{rule.port_max} are no ports")


def _given(rule: FilterRule) -> list[int]:
    return [each for each in (rule.port_min, rule.port_max) if each is not None]


def _overlap(one: Subnet, other: Subnet) -> bool:
    return one.version == other.version and one.cidr.overlaps(other.cidr)


def _interface(text: str) -> None:
    """An address with the length of its network's prefix."""
    where, slash, length = text.partition("/")
    bits = address(where).max_prefixlen
    if not slash or not length.isdecimal() or int(length) > bits:
        raise BackendError(f"{text!r} is not an address with the length of a prefix")
