"""One router's namespace: it joins networks, and leads them out under an address of its own.

Owns the namespace and its cables: ``in-<network's number>`` into every network (in the fabric
``in-<router>-<network>``), ``ext`` to the public bridge (``out-<router>``). What may pass is
``nft_routers``'. The networks' own namespaces go on serving DHCP, names and metadata. The caller
serialises calls for one router.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface, ip_interface
from pathlib import Path

from synnefo.cyclades.backends.base import BackendError, NetworkSpec, RouterSpec
from synnefo.cyclades.backends.local import dhcp, dnsmasq, nft, nft_routers
from synnefo.cyclades.backends.local import netns as namespaces
from synnefo.cyclades.backends.local.addresses import (
    METADATA,
    AddressPlan,
    Subnet,
    address,
    containing,
    network,
    subnets_of,
)
from synnefo.cyclades.backends.local.records import Record
from synnefo.cyclades.backends.local.tenant import (
    PUBLIC_BRIDGE,
    SYSCTL,
    Cable,
    announce,
    bridge_of,
    hardware,
    lay,
    readdress,
)

_FIRST_TABLE = 1000
#: Marks the routes that were asked for, so that they are found again.
_PROTOCOL = "201"


@dataclass(frozen=True)
class Leg:
    """The router's card in one network."""

    record: Record[NetworkSpec]
    addresses: Sequence[IPv4Interface | IPv6Interface]

    @property
    def name(self) -> str:
        return f"in-{self.record.index}"

    @property
    def table(self) -> int:
        return _FIRST_TABLE + self.record.index

    def advertised(self) -> list[Subnet]:
        """The IPv6 subnets that it is the router of."""
        subnets = [each for each in subnets_of(self.record.spec) if each.version == 6 and each.dhcp]
        return [each for each in subnets if any(containing([each], mine.ip) for mine in self.addresses)]


class RouterNamespace:
    """The namespace ``netns`` of router number ``index``, cabled into ``fabric``."""

    def __init__(self, netns: str, index: int, fabric: str, plan: AddressPlan, run_dir: Path) -> None:
        self.netns = netns
        self._index = index
        self._fabric = fabric
        self._plan = plan
        self._dnsmasq = dnsmasq.Dnsmasq(run_dir, netns)

    def apply(self, spec: RouterSpec, records: Mapping[str, Record[NetworkSpec]]) -> None:
        """Make it be as ``spec`` says; ``records`` are its networks by name."""
        if not namespaces.exists(self.netns):
            self.remove()
            namespaces.add(self.netns)
            namespaces.sysctl(SYSCTL, self.netns)
        legs = _legs(spec, records)
        # The rules come before the addresses: nothing passes a namespace that is half made.
        nft.load(nft_routers.router_rules(spec), self.netns)
        self._lay_cables(spec, legs)
        appeared = self._address(spec, legs)
        self._lead_to_metadata(legs)
        self._lead(spec)
        self._advertise(legs if spec.up else [])
        for interface, found in appeared.items():
            namespaces.inside(self.netns, lambda interface=interface, found=found: announce(interface, found))  # type: ignore[misc]

    def remove(self) -> None:
        """Take the namespace, its cables and its daemon away; absent is success."""
        self._dnsmasq.stop()
        namespaces.delete_links(self._cables_there(), self._fabric)
        namespaces.delete(self.netns)

    # -- parts ----------------------------------------------------------------------------------
    def _cables_there(self) -> list[str]:
        """The fabric's ends of the cables that there are."""
        mine = (f"in-{self._index}-", f"out-{self._index}")
        present = namespaces.links(self._fabric) if namespaces.exists(self._fabric) else {}
        return [name for name in present if name.startswith(mine[0]) or name == mine[1]]

    def _lay_cables(self, spec: RouterSpec, legs: Sequence[Leg]) -> None:
        wanted = [
            Cable(
                f"in-{self._index}-{leg.record.index}",
                leg.name,
                hardware(3, IPv4Address(self._index << 16 | leg.record.index)),
                bridge_of(leg.record),
            )
            for leg in legs
        ]
        if spec.external is not None:
            mac = hardware(2, IPv4Address(self._index))
            wanted.append(Cable(f"out-{self._index}", "ext", mac, PUBLIC_BRIDGE))
        surplus = set(self._cables_there()) - {cable.here for cable in wanted}
        namespaces.delete_links(sorted(surplus), self._fabric)
        lay(wanted, self.netns, self._fabric)

    def _address(self, spec: RouterSpec, legs: Sequence[Leg]) -> dict[str, list[IPv4Address]]:
        """Give the interfaces their addresses; returns the IPv4 ones that were not here before."""
        wanted = {leg.name: {str(each) for each in leg.addresses} for leg in legs}
        if spec.external is not None:
            wanted["ext"] = {f"{each}/32" for each in (spec.external, *spec.floating)}
        ipv6 = {
            f"net/ipv6/conf/{leg.name}/disable_ipv6": "0"
            if any(a.version == 6 for a in leg.addresses)
            else "1"
            for leg in legs
        }
        namespaces.sysctl(ipv6, self.netns)
        here = namespaces.links(self.netns)
        commands = ["link set lo up"]
        for interface, texts in wanted.items():
            commands += [f"link set {interface} up", *readdress(interface, texts, here[interface])]
        namespaces.ip_batch(commands, self.netns)
        fresh = {name: texts - here[name].addresses for name, texts in wanted.items()}
        return {
            name: [IPv4Address(text.partition("/")[0]) for text in sorted(texts) if ":" not in text]
            for name, texts in fresh.items()
            if texts
        }

    def _lead_to_metadata(self, legs: Sequence[Leg]) -> None:
        """Who asks his gateway for the metadata service is led to that of his own network."""
        commands = [f"route replace {METADATA} dev {leg.name} table {leg.table}" for leg in legs]
        present = namespaces.policies(self.netns)
        wanted = {leg.name: leg.table for leg in legs}
        commands += [
            f"rule delete iif {name} to {METADATA} lookup {table}"
            for name, table in present.items()
            if wanted.get(name) != table
        ]
        commands += [
            f"rule add iif {name} to {METADATA} lookup {table}"
            for name, table in wanted.items()
            if present.get(name) != table
        ]
        namespaces.ip_batch(commands, self.netns)

    def _lead(self, spec: RouterSpec) -> None:
        """The way out, and the routes that were asked for."""
        routes = {}
        if spec.external is not None:
            out = self._plan.public_of(address(spec.external))
            if out is None:
                raise BackendError(f"{spec.external} is not of a public range of this host")
            near = (self._plan.transit, *(each.cidr for each in self._plan.public))
            routes = {str(each): f"dev ext src {spec.external}" for each in near}
            routes["default"] = f"via {out.gateway} dev ext onlink src {spec.external}"
        routes |= {str(network(to)): f"via {address(via)}" for to, via in spec.routes}
        for family in (4, 6):
            mine = {to: how for to, how in routes.items() if (6 if ":" in to + how else 4) == family}
            there = namespaces.routes(self.netns, family)
            stale = [each["dst"] for each in there if each.get("protocol") == _PROTOCOL]
            commands = [f"route delete {to} proto {_PROTOCOL}" for to in stale if to not in mine]
            commands += [f"route replace {to} {how} proto {_PROTOCOL}" for to, how in mine.items()]
            namespaces.ip_batch(commands, self.netns, family)

    def _advertise(self, legs: Sequence[Leg]) -> None:
        """Tell the guests of IPv6 networks that this is their router; addresses are their network's."""
        told = [(leg, subnets) for leg in legs if (subnets := leg.advertised())]
        if not told:
            self._dnsmasq.stop()
            return
        options = ["port=0", "except-interface=lo", "enable-ra", "quiet-ra", "leasefile-ro"]
        for leg, subnets in told:
            options += [f"interface={leg.name}", f"ra-param={leg.name},0,1800"]
            options += dhcp.advertised(leg.name, subnets)
        self._dnsmasq.apply(dnsmasq.Settings(tuple(options)))


def _legs(spec: RouterSpec, records: Mapping[str, Record[NetworkSpec]]) -> list[Leg]:
    found: dict[str, list[IPv4Interface | IPv6Interface]] = {}
    for name, text in spec.interfaces:
        found.setdefault(name, []).append(ip_interface(text))
    return [Leg(records[name], tuple(inner)) for name, inner in found.items()]
