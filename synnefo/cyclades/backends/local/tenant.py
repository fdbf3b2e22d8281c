"""One tenant network's namespace: gateway, address translation, DHCP, DNS and the metadata address.

Owns the namespace and the two cables into it: ``int`` to the network's bridge, ``ext`` to the public
bridge, whose other ends in the fabric are ``int-<number>`` and ``ext-<number>``. The bridges are the
fabric's. The caller serialises calls for one network.

Where the network's gateway is a router's, or the host's (public networks), the namespace has no gateway
address and forwards nothing: it is there for DHCP, names and the metadata service.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Network
from pathlib import Path
from typing import Any

from synnefo.cyclades.backends.base import NetworkSpec
from synnefo.cyclades.backends.local import dhcp, dnsmasq, nft
from synnefo.cyclades.backends.local import netns as namespaces
from synnefo.cyclades.backends.local.addresses import METADATA, AddressPlan, Subnet, eui64, subnets_of
from synnefo.cyclades.backends.local.records import Record

# Set before there are interfaces, which take them over: answer ARP for the asked interface's own
# addresses alone, refuse senders that do not live behind the interface, no redirects. IPv6 is switched
# on by interface, where it is wanted; addresses are there at once, daemons listen on them.
SYSCTL = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/arp_ignore": "1",
    "net/ipv4/conf/all/rp_filter": "1",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
    "net/ipv4/conf/all/accept_redirects": "0",
    "net/ipv4/conf/default/accept_redirects": "0",
    "net/ipv6/conf/all/disable_ipv6": "1",
    "net/ipv6/conf/default/disable_ipv6": "1",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/default/accept_redirects": "0",
}
#: The bridge that the host and all ways out are plugged into.
PUBLIC_BRIDGE = "public"
#: The kind of networks whose machines have no link with each other.
ROUTED_KIND = "IP_LESS_ROUTED"
_ARP = bytes.fromhex("0806 0001 0800 06 04 0001")


def bridge_of(record: Record[NetworkSpec]) -> str:
    """The bridge in the fabric that a network's cards are plugged into."""
    return PUBLIC_BRIDGE if record.spec.public else f"br{record.index}"


class TenantNamespace:
    """The namespace ``netns`` of network number ``index``, cabled to ``bridge`` in ``fabric``."""

    def __init__(
        self, netns: str, index: int, bridge: str, fabric: str, plan: AddressPlan, run_dir: Path
    ) -> None:
        self.netns = netns
        self.bridge = bridge
        self._index = index
        self._fabric = fabric
        self._plan = plan
        self._dnsmasq = dnsmasq.Dnsmasq(run_dir, netns)

    def apply(self, spec: NetworkSpec) -> None:
        """Make the namespace be as ``spec`` says; without addresses there is none."""
        subnets = subnets_of(spec)
        if not subnets:
            self.remove()
            return
        if not namespaces.exists(self.netns):
            self.remove()  # a daemon or a cable may be left of one that was taken away by hand
            namespaces.add(self.netns)
            namespaces.sysctl(SYSCTL, self.netns)
        transit = self._plan.transit_address(self._index)
        # The rules come before the addresses: nothing passes a namespace that is half made.
        nft.load(nft.network_rules(str(transit), spec.floating, leads=_leads(spec)), self.netns)
        self._lay_cables(transit, outwards=_has_way_out(spec, subnets))
        appeared = self._address(spec, subnets, transit)
        self._dnsmasq.apply(dhcp.network(spec, subnets, self._plan))
        if appeared:
            namespaces.inside(self.netns, lambda: announce("ext", appeared))

    def remove(self) -> None:
        """Take the namespace, its cables and its daemon away; absent is success."""
        self._dnsmasq.stop()
        namespaces.delete_links(self._cables(), self._fabric)
        namespaces.delete(self.netns)

    def _cables(self) -> tuple[str, str]:
        return f"int-{self._index}", f"ext-{self._index}"

    def _lay_cables(self, transit: IPv4Address, *, outwards: bool) -> None:
        inner, outer = self._cables()
        wanted = [Cable(inner, "int", hardware(1, transit), self.bridge)]
        if outwards:
            wanted.append(Cable(outer, "ext", hardware(0, transit), PUBLIC_BRIDGE))
        else:
            namespaces.delete_links([outer], self._fabric)
        lay(wanted, self.netns, self._fabric)

    def _address(
        self, spec: NetworkSpec, subnets: Sequence[Subnet], transit: IPv4Address
    ) -> list[IPv4Address]:
        """Addresses and routes; returns the floating addresses that were not here before."""
        self._set_up_int(spec, any(each.version == 6 for each in subnets))
        here = namespaces.links(self.netns)
        inner = {f"{METADATA}/32", *self._inner(spec, subnets, hardware(1, transit))}
        commands = ["link set lo up", "link set int up", *readdress("int", inner, here["int"])]
        commands += self._next_door(spec, subnets)
        if not _has_way_out(spec, subnets):
            namespaces.ip_batch(commands, self.netns)
            return []
        outer = {f"{transit}/{self._plan.transit.prefixlen}", *(f"{each}/32" for each in spec.floating)}
        commands += ["link set ext up", *readdress("ext", outer, here["ext"])]
        # Other networks' floating addresses are next door, on the public bridge: not over the host.
        commands += [f"route replace {each.cidr} dev ext src {transit}" for each in self._plan.public]
        commands.append(f"route replace default via {self._plan.gateway} dev ext")
        namespaces.ip_batch(commands, self.netns)
        return [IPv4Address(each) for each in spec.floating if f"{each}/32" not in here["ext"].addresses]

    def _inner(self, spec: NetworkSpec, subnets: Sequence[Subnet], mac: str) -> set[str]:
        """Its addresses among the guests: the gateways that are its own; of IPv6 always one, for dnsmasq."""
        found = set()
        for each in subnets:
            if each.gateway is not None and _leads(spec):
                found.add(f"{each.gateway}/{each.cidr.prefixlen}")
            elif isinstance(each.cidr, IPv6Network) and each.cidr.prefixlen == 64:
                found.add(f"{eui64(each.cidr, mac)}/64")
        return found

    def _next_door(self, spec: NetworkSpec, subnets: Sequence[Subnet]) -> list[str]:
        """Where the gateway is somebody else, guests are next door all the same."""
        wanted = [
            str(each.cidr) for each in subnets if each.version == 4 and not (each.gateway and _leads(spec))
        ]
        there = [route["dst"] for route in namespaces.routes(self.netns) if _is_ours(route)]
        return [
            *(f"route delete {cidr} dev int" for cidr in there if cidr not in wanted),
            *(f"route replace {cidr} dev int src {METADATA}" for cidr in wanted),
        ]

    def _set_up_int(self, spec: NetworkSpec, with_ipv6: bool) -> None:
        routed = "1" if spec.kind == ROUTED_KIND else "0"
        namespaces.sysctl({
            "net/ipv6/conf/int/disable_ipv6": "0" if with_ipv6 else "1",
            "net/ipv4/conf/int/proxy_arp_pvlan": routed,
        }, self.netns)  # fmt: skip


@dataclass(frozen=True)
class Cable:
    """A veth from ``here`` in the fabric, on ``bridge``, to ``there`` in another namespace."""

    here: str
    there: str
    mac: str
    bridge: str


def lay(cables: Iterable[Cable], netns: str, fabric: str) -> None:
    """Have these cables between the fabric and a namespace."""
    present = namespaces.links(fabric)
    commands = []
    for each in cables:
        if each.here not in present:
            peer = f"peer name {each.there} address {each.mac} netns {netns}"
            commands.append(f"link add {each.here} type veth {peer}")
        commands.append(f"link set {each.here} master {each.bridge} up")
    namespaces.ip_batch(commands, fabric)


def _is_ours(route: Mapping[str, Any]) -> bool:
    return route.get("dev") == "int" and route.get("protocol") != "kernel"


def _leads(spec: NetworkSpec) -> bool:
    """Whether the namespace is the gateway of its network; on a public one that is the host."""
    return not spec.public and not spec.routed


def _has_way_out(spec: NetworkSpec, subnets: Sequence[Subnet]) -> bool:
    """Whether it is cabled outwards: to forward, or for its names' sake alone."""
    return not spec.public and (spec.routed or any(each.gateway for each in subnets))


def readdress(interface: str, wanted: set[str], link: namespaces.Link | None) -> list[str]:
    """The commands that give an interface the wanted addresses and no others."""
    present = link.addresses if link else frozenset()
    return [
        *(f"address delete {each} dev {interface}" for each in sorted(present - wanted)),
        *(f"address add {each} dev {interface}" for each in sorted(wanted - present)),
    ]


def hardware(kind: int, address: IPv4Address) -> str:
    """A hardware address that stays the same when an interface is made anew: its neighbours cache it."""
    return ":".join(f"{byte:02x}" for byte in (2, kind, *address.packed))


def announce(interface: str, addresses: Iterable[IPv4Address]) -> None:
    """Tell the neighbours (gratuitous ARP) that the addresses live here now; call it in the namespace."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((interface, 0))
        mac = wire.getsockname()[4]
        for each in addresses:
            wire.send(b"\xff" * 6 + mac + _ARP + mac + each.packed + b"\0" * 6 + each.packed)
