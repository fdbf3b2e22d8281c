"""One tenant network's namespace: gateway, address translation, DHCP, DNS and the metadata address.

Owns the namespace and the two cables into it: ``int`` to the network's bridge, ``ext`` to the public
bridge, whose other ends in the fabric are ``int-<number>`` and ``ext-<number>``. The bridges are the
fabric's. The caller serialises calls for one network.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from synnefo.cyclades.backends.base import NetworkSpec
from synnefo.cyclades.backends.local import dnsmasq, nft
from synnefo.cyclades.backends.local import netns as namespaces
from synnefo.cyclades.backends.local.addresses import METADATA, AddressPlan

# Set before there are interfaces, which take them over: answer ARP for the asked interface's own
# addresses alone, refuse senders that do not live behind the interface, no IPv6, no redirects.
_SYSCTL = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/arp_ignore": "1",
    "net/ipv4/conf/all/rp_filter": "1",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
    "net/ipv4/conf/all/accept_redirects": "0",
    "net/ipv4/conf/default/accept_redirects": "0",
    "net/ipv6/conf/all/disable_ipv6": "1",
    "net/ipv6/conf/default/disable_ipv6": "1",
}
#: The bridge that the host and all ways out are plugged into.
PUBLIC_BRIDGE = "public"
_ARP = bytes.fromhex("0806 0001 0800 06 04 0001")


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
        if spec.cidr is None:
            self.remove()
            return
        if not namespaces.exists(self.netns):
            self.remove()  # a daemon or a cable may be left of one that was taken away by hand
            namespaces.add(self.netns)
            namespaces.sysctl(_SYSCTL, self.netns)
        cidr, transit = IPv4Network(spec.cidr), self._plan.transit_address(self._index)
        # The rules come before the addresses: nothing passes a namespace that is half made.
        nft.load(nft.network_rules(str(transit), spec.floating), self.netns)
        self._lay_cables(transit, routed=_is_router(spec))
        appeared = self._address(spec, cidr, transit)
        self._dnsmasq.apply(dnsmasq.network(spec, cidr, self._plan))
        if appeared:
            namespaces.inside(self.netns, lambda: announce("ext", appeared))

    def remove(self) -> None:
        """Take the namespace, its cables and its daemon away; absent is success."""
        self._dnsmasq.stop()
        namespaces.delete_links(self._cables(), self._fabric)
        namespaces.delete(self.netns)

    def _cables(self) -> tuple[str, str]:
        return f"int-{self._index}", f"ext-{self._index}"

    def _lay_cables(self, transit: IPv4Address, *, routed: bool) -> None:
        inner, outer = self._cables()
        present = namespaces.links(self._fabric)
        wanted = [(inner, "int", hardware(1, transit), self.bridge)]
        if routed:
            wanted.append((outer, "ext", hardware(0, transit), PUBLIC_BRIDGE))
        else:
            namespaces.delete_links([outer], self._fabric)
        commands = []
        for here, there, mac, bridge in wanted:
            if here not in present:
                peer = f"peer name {there} address {mac} netns {self.netns}"
                commands.append(f"link add {here} type veth {peer}")
            commands.append(f"link set {here} master {bridge} up")
        namespaces.ip_batch(commands, self._fabric)

    def _address(self, spec: NetworkSpec, cidr: IPv4Network, transit: IPv4Address) -> list[IPv4Address]:
        """Addresses and routes; returns the floating addresses that were not here before."""
        here = namespaces.links(self.netns)
        routed = _is_router(spec)
        inner = {f"{METADATA}/32", *([f"{spec.gateway}/{cidr.prefixlen}"] if routed else [])}
        commands = ["link set lo up", "link set int up", *readdress("int", inner, here["int"])]
        if not routed:
            namespaces.ip_batch([*commands, f"route replace {cidr} dev int src {METADATA}"], self.netns)
            return []
        outer = {f"{transit}/{self._plan.transit.prefixlen}", *(f"{each}/32" for each in spec.floating)}
        commands += ["link set ext up", *readdress("ext", outer, here["ext"])]
        # Other networks' floating addresses are next door, on the public bridge: not over the host.
        commands.append(f"route replace {self._plan.floating} dev ext src {transit}")
        commands.append(f"route replace default via {self._plan.gateway} dev ext")
        namespaces.ip_batch(commands, self.netns)
        return [IPv4Address(each) for each in spec.floating if f"{each}/32" not in here["ext"].addresses]


def _is_router(spec: NetworkSpec) -> bool:
    """Whether the namespace is the network's way out; on a public one that is the host."""
    return spec.gateway is not None and not spec.public


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
