"""What a network's dnsmasq is told: ranges, routes, names, router advertisements.

Owns the texts of the configuration; the daemon's life is ``dnsmasq``'s. Guests get the addresses that
are theirs and no others: every range is static, and IPv6 addresses that guests make by themselves
(SLAAC) are let through by the bridges if they are the reserved ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synnefo.cyclades.backends.base import Lease, NetworkSpec
from synnefo.cyclades.backends.local.addresses import (
    DOMAIN,
    METADATA,
    AddressPlan,
    Subnet,
    address,
    containing,
)
from synnefo.cyclades.backends.local.dnsmasq import Settings

LEASE_TIME = "12h"
_DEFAULT_MTU = 1500


def network(spec: NetworkSpec, subnets: Sequence[Subnet], plan: AddressPlan) -> Settings:
    """The daemon of a network.

    Without a way out there is nothing to forward to: names of the network alone are answered. On a public
    network guests ask the host for names and go out by it; the metadata address is next door.
    """
    options = [
        "interface=int", "except-interface=lo", "no-resolv", "domain-needed", "expand-hosts",
        f"domain={DOMAIN}", f"local=/{DOMAIN}/",
    ]  # fmt: skip
    if not spec.public and (spec.routed or any(each.gateway for each in subnets)):
        options.append(f"server={plan.gateway}")
    served = [each for each in subnets if each.dhcp]
    if served:
        options += ["dhcp-authoritative", "leasefile-ro", "quiet-dhcp"]
    if spec.mtu != _DEFAULT_MTU and served:
        options.append(f"dhcp-option=option:mtu,{spec.mtu}")
    for number, subnet in enumerate(served):
        options += (
            _ipv4(f"s{number}", subnet, spec, plan) if subnet.version == 4 else _ipv6(f"s{number}", subnet)
        )
    if any(each.version == 6 for each in served):
        options += advertising(spec, served, leads=not spec.routed)
    return Settings(
        tuple(options),
        hosts="".join(_hosts(spec.leases, served)),
        names="".join(f"{lease.ip} {lease.hostname}\n" for lease in spec.leases if lease.hostname),
    )


def advertising(spec: NetworkSpec, served: Sequence[Subnet], *, leads: bool) -> list[str]:
    """Router advertisements on ``int``; ``leads``: the sender is the way out of subnets with a gateway."""
    lifetime = ",0,1800" if leads and any(each.gateway for each in served if each.version == 6) else ",0,0"
    mtu = f",mtu:{spec.mtu}" if spec.mtu != _DEFAULT_MTU else ""
    return ["enable-ra", f"ra-param=int{mtu}{lifetime}"]


def advertised(tag: str, subnets: Sequence[Subnet]) -> list[str]:
    """The IPv6 ranges of one interface, as a router announces them that serves no addresses itself."""
    return [line for number, each in enumerate(subnets) for line in _ipv6(f"{tag}s{number}", each)]


def _ipv4(tag: str, subnet: Subnet, spec: NetworkSpec, plan: AddressPlan) -> list[str]:
    own_way = subnet.gateway is not None and not spec.public and not spec.routed
    resolver = plan.gateway if spec.public else subnet.gateway if own_way else METADATA
    servers = ",".join(map(str, subnet.dns or [resolver]))
    options = [
        f"dhcp-range=set:{tag},{subnet.cidr.network_address},static,{subnet.cidr.netmask},{LEASE_TIME}",
        f"dhcp-option=tag:{tag},option:dns-server,{servers}",
        f"dhcp-option=tag:{tag},option:router{f',{subnet.gateway}' if subnet.gateway is not None else ''}",
    ]
    routes = [f"{to},{via}" for to, via in subnet.routes]
    if not own_way:
        options.append(f"shared-network=int,{subnet.cidr.network_address}")
        routes.append(f"{METADATA}/32,0.0.0.0")
    if routes:
        if subnet.gateway is not None:  # clients that take these routes do not look at the router
            routes.append(f"0.0.0.0/0,{subnet.gateway}")
        options += [f"dhcp-option=tag:{tag},{number},{','.join(routes)}" for number in (121, 249)]
    return options


def _ipv6(tag: str, subnet: Subnet) -> list[str]:
    mode = {"slaac": "ra-only", "dhcpv6-stateless": "ra-stateless", "dhcpv6-stateful": "static"}[subnet.mode]
    where = f"{subnet.cidr.network_address},{mode},{subnet.cidr.prefixlen}"
    options = [f"dhcp-range=set:{tag},{where},{LEASE_TIME}"]
    if subnet.dns:
        servers = ",".join(f"[{each}]" for each in subnet.dns)
        options.append(f"dhcp-option=tag:{tag},option6:dns-server,{servers}")
    return options


def _hosts(leases: Sequence[Lease], served: Sequence[Subnet]) -> Iterator[str]:
    """One line an address; of several of a card in one subnet the first is what it is told."""
    seen = set()
    for lease in leases:
        where = address(lease.ip)
        subnet = containing(served, where)
        if subnet is None or (lease.mac.lower(), subnet.cidr) in seen:
            continue
        if where.version == 6 and subnet.mode != "dhcpv6-stateful":
            continue
        seen.add((lease.mac.lower(), subnet.cidr))
        told = f"[{where}]" if where.version == 6 else str(where)
        yield ",".join(part for part in (lease.mac.lower(), told, lease.hostname) if part) + "\n"
