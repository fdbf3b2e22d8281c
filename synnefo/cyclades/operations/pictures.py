"""What engines are told of networks, routers and cards: the database's rows in the words of the contract.

Each picture is whole, and read at one moment. Nothing is decided or changed here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings
from django.db.models import QuerySet

from synnefo.common.transactions import atomic
from synnefo.cyclades.backends.base import (
    CardFilter,
    FilterRule,
    Lease,
    NetworkSpec,
    Nic,
    RouterSpec,
    SubnetSpec,
)
from synnefo.cyclades.networks.addresses import led_to
from synnefo.cyclades.networks.models import IPAddress, Network, Port, SecurityRule, Subnet
from synnefo.cyclades.networks.state import lock, lock_router

_IPV4, _IPV6 = "IPv4", "IPv6"
_EVERYTHING_OUT = (FilterRule("egress", _IPV4), FilterRule("egress", _IPV6))
#: The firewall profiles of Synnefo: nothing comes in but answers, or what is needed to look after a server.
_PROFILES: Mapping[str, Sequence[FilterRule]] = {
    Port.Profile.ENABLED: _EVERYTHING_OUT,
    Port.Profile.PROTECTED: (
        *_EVERYTHING_OUT,
        FilterRule("ingress", _IPV4, "icmp"),
        FilterRule("ingress", _IPV6, "ipv6-icmp"),
        *(FilterRule("ingress", kind, "tcp", port, port) for kind in (_IPV4, _IPV6) for port in (22, 3389)),
    ),
}
_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp", "icmpv6": "ipv6-icmp"}


def network_spec(network_id: int) -> NetworkSpec:
    """A network as it shall be now."""
    with atomic():
        network = lock(network_id)
        subnets = list(network.subnets.filter(deleted=False).order_by("pk"))
        fixed = list(_addresses().filter(network=network, port__isnull=False, port__router__isnull=True))
        routed = bool(gates_of(network))
        leads = {} if routed else _leads(IPAddress.objects.filter(nat_port__network=network))
        filters, sets = _filters(network)
    first = next((subnet for subnet in subnets if subnet.ip_version == 4), None)
    return NetworkSpec(
        name=network.engine_name,
        revision=network.revision,
        cidr=first.cidr if first else None,
        gateway=first.gateway if first else None,
        dhcp=bool(first and first.dhcp),
        dns_nameservers=tuple(first.dns_nameservers) if first else (),
        host_routes=_routes(first.host_routes) if first else (),
        more_subnets=tuple(_subnet_spec(subnet) for subnet in subnets if subnet is not first),
        leases=tuple(Lease(ip.port.mac, ip.address, _host_name(ip)) for ip in fixed if ip.port is not None),
        floating=leads,
        public=network.public,
        routed=routed,
        filters=filters,
        address_sets=sets,
        kind=network.kind,
        mode=network.mode,
        link=network.link,
        mac_prefix=network.mac_prefix,
        tags=tuple(network.tags),
        mtu=network.mtu,
        up=network.admin_state_up,
    )


def router_spec(router_id: int) -> RouterSpec:
    """A router as it shall be now."""
    with atomic():
        router = lock_router(router_id)
        legs = list(
            IPAddress.objects.filter(port__router=router)
            .select_related("network", "subnet").order_by("pk")
        )  # fmt: skip
        inside = [leg for leg in legs if not leg.network.public]
        served = {leg.subnet_id for leg in inside if leg.address == leg.subnet.gateway}
        leads = IPAddress.objects.filter(
            nat_port__network__in={leg.network_id for leg in inside}, network=router.external_id
        )
        floating = _leads(leads, served) if router.external_id is not None else {}
    external = next((leg for leg in legs if leg.network.public and leg.ip_version == 4), None)
    return RouterSpec(
        name=router.engine_name,
        revision=router.revision,
        interfaces=tuple(
            (leg.network.engine_name, f"{leg.address}/{leg.subnet.range.prefixlen}") for leg in inside
        ),
        external=external.address if external else None,
        snat=router.snat,
        floating=floating,
        routes=_routes(router.routes),
        up=router.admin_state_up,
    )


def gates_of(network: Network) -> dict[int, int]:
    """Subnets of a network whose gateway is a router's interface, and that router."""
    legs = IPAddress.objects.filter(network=network, port__router__isnull=False).select_related(
        "port", "subnet"
    )
    return {
        leg.subnet_id: leg.port.router_id
        for leg in legs
        if leg.port is not None and leg.port.router_id is not None and leg.address == leg.subnet.gateway
    }


def card_of(port: Port) -> Nic:
    """A port as engines know it; its addresses and network should be fetched."""
    addresses = sorted(port.addresses.all(), key=lambda ip: ip.pk)
    first = next((ip for ip in addresses if ip.ip_version == 4), None)
    others = tuple(ip.address for ip in addresses if ip is not first)
    return Nic(port.engine_name, port.network.engine_name, port.mac, first.address if first else None, others)


def host_name(name: str) -> str:
    """A name that DNS and the guest accept, out of whatever the user called the server."""
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in name.lower())
    return kept.strip("-")[:63].rstrip("-") or "server"


def _addresses() -> QuerySet[IPAddress]:
    return IPAddress.objects.select_related("port__server").order_by("id")


def _leads(rows: QuerySet[IPAddress], served: set[int] | None = None) -> dict[str, str]:
    """Floating addresses to fixed ones, of all subnets or of those that are ``served``."""
    found = {}
    for ip in rows.select_related("nat_port").prefetch_related("nat_port__addresses"):
        fixed = led_to(ip.nat_port, ip.nat_address) if ip.nat_port is not None else None
        if fixed is not None and (served is None or fixed.subnet_id in served):
            found[ip.address] = fixed.address
    return found


def _subnet_spec(subnet: Subnet) -> SubnetSpec:
    return SubnetSpec(
        cidr=subnet.cidr,
        gateway=subnet.gateway,
        dhcp=subnet.dhcp,
        dns_nameservers=tuple(subnet.dns_nameservers),
        host_routes=_routes(subnet.host_routes),
        ipv6_mode=subnet.ipv6_mode or ("dhcpv6-stateful" if subnet.ip_version == 6 else ""),
    )


def _routes(rows: Iterable[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((row["destination"], row["nexthop"]) for row in rows)


def _filters(network: Network) -> tuple[tuple[CardFilter, ...], dict[str, tuple[str, ...]]]:
    """What is let through to cards for which more is said than that they keep their addresses."""
    rows = network.ports.filter(router__isnull=True).prefetch_related("security_groups").order_by("pk")
    groups = {port.pk: [group.pk for group in port.security_groups.all()] for port in rows}
    rules: dict[int, list[SecurityRule]] = defaultdict(list)
    wanted = {pk for members in groups.values() for pk in members}
    for rule in SecurityRule.objects.filter(group__in=wanted).order_by("pk"):
        rules[rule.group_id].append(rule)
    filters = []
    for port in rows:
        let = _let_through(
            port, [rule for pk in groups[port.pk] for rule in rules[pk]], bool(groups[port.pk])
        )
        pairs = tuple(
            (pair["ip_address"], pair.get("mac_address") or port.mac) for pair in port.address_pairs
        )
        if let is not None or pairs or not port.port_security or not port.admin_state_up:
            said = CardFilter(port.engine_name, let, port.port_security, pairs, port.admin_state_up)
            filters.append(said)
    named = {rule.remote_group_id for members in rules.values() for rule in members if rule.remote_group_id}
    return tuple(filters), _address_sets(named)


def _let_through(port: Port, rules: list[SecurityRule], grouped: bool) -> tuple[FilterRule, ...] | None:
    """Rules of the port's groups and profile; that of public cards is a setting's if none is said."""
    if not port.port_security:
        return None
    usual = settings.DEFAULT_FIREWALL_PROFILE if port.network.public and not grouped else ""
    profile = _PROFILES.get(port.firewall_profile or usual)
    if not grouped and profile is None:
        return None
    return (*(_filter_rule(rule) for rule in rules), *(profile or ()))


def _filter_rule(rule: SecurityRule) -> FilterRule:
    protocol = _PROTOCOLS.get(rule.protocol, rule.protocol)
    if protocol == "icmp" and rule.ethertype == _IPV6:
        protocol = "ipv6-icmp"
    return FilterRule(
        direction=rule.direction,
        ethertype=rule.ethertype,
        protocol=protocol,
        port_min=rule.port_min,
        port_max=rule.port_max,
        remote_cidr=rule.remote_cidr,
        remote_set=f"group-{rule.remote_group_id}" if rule.remote_group_id else "",
    )


def _address_sets(groups: Iterable[int]) -> dict[str, tuple[str, ...]]:
    """The addresses of all ports that have a group, on whatever network, and those of their address pairs."""
    found: dict[str, list[str]] = {f"group-{pk}": [] for pk in sorted(groups)}
    own = IPAddress.objects.filter(port__security_groups__in=list(groups)).order_by("pk")
    for group, address in own.values_list("port__security_groups", "address"):
        found.setdefault(f"group-{group}", []).append(address)
    paired = Port.objects.filter(security_groups__in=list(groups)).exclude(address_pairs=[]).order_by("pk")
    for group, pairs in paired.values_list("security_groups", "address_pairs"):
        found.setdefault(f"group-{group}", []).extend(pair["ip_address"] for pair in pairs)
    return {f"group-{pk}": tuple(found[f"group-{pk}"]) for pk in sorted(groups)}


def _host_name(ip: IPAddress) -> str:
    server = ip.port.server if ip.port is not None else None
    dashed = ip.address.replace(".", "-").replace(":", "-")
    return host_name(server.name) if server is not None else f"host-{dashed}"
