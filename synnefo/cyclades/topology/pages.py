"""The page of a project's topology: public networks, routers, networks and servers, and what joins them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, path

from synnefo.common.caller import Caller
from synnefo.common.pages import CALM_REFRESH_S, living
from synnefo.cyclades.networks import routers as router_rules
from synnefo.cyclades.networks import rules as network_rules
from synnefo.cyclades.networks.models import Network, Port, Router, Subnet
from synnefo.cyclades.owned import Owned
from synnefo.cyclades.servers import rules as server_rules
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.shown import state_of
from synnefo.cyclades.topology.drawing import Edge, Node, draw

#: Of each kind; more than these no picture makes clear.
MOST = 100


@living("cyclades/topology")
def topology(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    networks = network_rules.networks_for(caller).prefetch_related("subnets").order_by("name", "pk")
    routers = list(router_rules.routers_for(caller).order_by("name", "pk")[:MOST])
    servers = list(server_rules.with_cards(server_rules.servers_for(caller)).order_by("name", "pk")[:MOST])
    own = list(networks.filter(public=False)[:MOST])
    public = list(networks.filter(public=True)[:MOST])
    edges = [*_of_routers(routers, {row.pk for row in own}), *_ways_out(own, routers, public)]
    edges += _of_servers(servers, {row.pk for row in (*own, *public)})
    known = {_key(row) for row in (*public, *routers, *own, *servers)}
    edges = [edge for edge in edges if {edge.left, edge.right} <= known]
    used = {key for edge in edges for key in (edge.left, edge.right)}
    columns = [
        ("Public", [node for row in public if (node := _network(row)).key in used]),
        ("Routers", [Node(_key(row), str(row), f"/ui/routers/{row.uuid}/", "router") for row in routers]),
        ("Networks", [_network(row) for row in own]),
        ("Servers", [_server(row) for row in servers]),
    ]
    names = {node.key: node for _, nodes in columns for node in nodes}
    return {
        "picture": draw(columns, edges),
        "joined": [(names[edge.left], names[edge.right], edge.words) for edge in edges],
        "empty": not (own or routers or servers),
        "most": MOST if max(len(own), len(routers), len(servers)) == MOST else 0,
        "refresh_s": CALM_REFRESH_S,
    }


def _of_routers(routers: Iterable[Router], seen: set[int]) -> list[Edge]:
    found = []
    for router in routers:
        if router.external is not None:
            found.append(Edge(_key(router.external), _key(router), "gateway", "edge-out"))
        for port in router.ports.all():
            if port.device_owner == router_rules.INTERFACE and port.network_id in seen:
                found.append(Edge(_key(router), f"network-{port.network_id}", _addresses(port)))
    return found


def _ways_out(own: Iterable[Network], routers: Iterable[Router], public: Iterable[Network]) -> list[Edge]:
    """Networks with a gateway that no router is have a way out of their own, to where floating IPs are."""
    out = next((row for row in public if row.floating_ip_pool), None)
    subnets = [subnet.pk for network in own for subnet in network.subnets.all()]
    led = router_rules.gateways_of(subnets)
    return [
        Edge(_key(out), _key(network), "a way out of its own", "edge-own")
        for network in own
        if out is not None
        and any(_leads(subnet) and subnet.pk not in led for subnet in network.subnets.all())
    ]


def _leads(subnet: Subnet) -> bool:
    """Whether servers get out by it where no router is: by NAT, which IPv6 has none of."""
    return subnet.ip_version == 4 and subnet.gateway is not None


def _of_servers(servers: Iterable[Server], seen: set[int]) -> list[Edge]:
    return [
        Edge(f"network-{port.network_id}", _key(server), _addresses(port))
        for server in servers
        for port in server.ports.all()
        if port.network_id in seen
    ]


def _network(network: Network) -> Node:
    ranges = ", ".join(subnet.cidr for subnet in network.subnets.all())
    icon = "globe" if network.public else "network"
    return Node(_key(network), str(network), f"/ui/networks/{network.uuid}/", icon, ranges)


def _server(server: Server) -> Node:
    state = state_of(server)
    return Node(_key(server), server.name, f"/ui/servers/{server.uuid}/", "server", state.word)


def _addresses(port: Port) -> str:
    leading = [ip.address for ip in port.floating_ips.all()] if port.server_id else []
    return ", ".join([*(ip.address for ip in port.addresses.all()), *leading])


def _key(row: Owned) -> str:
    return f"{type(row).__name__.lower()}-{row.pk}"


urlpatterns: list[URLPattern | URLResolver] = [
    path("topology/", topology.page, name="topology"),
    path("topology/picture/", topology.part, name="topology-picture"),
]
