"""The packet rules of the host and of networks' namespaces as text, and loading rules.

Owns what may pass there; the bridges' rules are ``nft_cards``', those of routers ``nft_routers``'.
Everything else (namespaces, interfaces, daemons) is made by its neighbours.

* ``host_rules``: a table of the host's own namespace. Guests' traffic leaves masqueraded; new
  connections come in only to floating addresses; of the host's addresses on the fabric guests reach
  DNS and ICMP alone (its other addresses they see as any neighbour does). It accepts what it may in
  its own forward chain, but in nftables an ``accept`` ends only the chain it stands in: if another
  table (a firewall manager's, Docker's) drops forwarded packets by default, they stay dropped.
  ``foreign_drops`` finds such chains, so that the operator can be told; nothing here writes into
  tables of others.
* ``network_rules``: the namespace of one tenant network (interfaces ``int``, ``ext``).

Every ruleset is replaced as a whole in one transaction: there is no moment without rules, and
repeating it changes nothing. Established connections live on unless the rules forbid them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from synnefo.cyclades.backends.local import netns as namespaces
from synnefo.cyclades.backends.local.addresses import METADATA, AddressPlan

_HOST = """
table ip {table} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {hidden} oifname != "{veth}" masquerade
    }}
    chain forward {{
        type filter hook forward priority filter; policy accept;
        iifname "{veth}" goto leaving
        oifname "{veth}" goto coming
    }}
    chain leaving {{
        ip saddr {guests} accept
        drop
    }}
    chain coming {{
        ct state established,related accept
        ip daddr {public} accept
        drop
    }}
    chain input {{
        type filter hook input priority filter; policy accept;
        iifname "{veth}" ip daddr {own} goto services
    }}
    chain services {{
        ct state established,related accept
        meta l4proto icmp accept
        udp dport 53 accept
        tcp dport 53 accept
        drop
    }}
}}
"""

# The pairs are checked on every packet, so that a connection does not outlive its floating address.
_NETWORK = """
table ip synnefo {{
    map inward {{
        type ipv4_addr : ipv4_addr
        {inward}
    }}
    map outward {{
        type ipv4_addr : ipv4_addr
        {outward}
    }}
    set pairs {{
        type ipv4_addr . ipv4_addr
        {pairs}
    }}
    chain prerouting {{
        type nat hook prerouting priority dstnat; policy accept;
        dnat to ip daddr map @inward
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        oifname "ext" snat to ip saddr map @outward
        oifname "ext" snat to {transit}
        iifname "int" oifname "int" ct status dnat masquerade
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        ct status dnat ct direction original ct original ip daddr . ip daddr != @pairs drop
        ct status dnat ct direction reply ct original ip daddr . ip saddr != @pairs drop
        oifname "ext" ct status snat ct direction original ct reply ip daddr != {transit} \
            ct reply ip daddr . ip saddr != @pairs drop
        {forward}
    }}
    chain input {{
        type filter hook input priority filter; policy drop;
        iifname "lo" accept
        ct state established,related accept
        meta l4proto icmp accept
        iifname "int" udp dport {{ 53, 67 }} accept
        iifname "int" tcp dport 53 accept
        iifname "int" ip daddr {metadata} tcp dport 80 accept
    }}
}}
"""

# There is no way out for IPv6: guests' addresses are known to nobody outside.
_NETWORK_IPV6 = """
table ip6 synnefo {{
    chain forward {{
        type filter hook forward priority filter; policy drop;
        {forward}
    }}
    chain input {{
        type filter hook input priority filter; policy drop;
        iifname "lo" accept
        ct state established,related accept
        meta l4proto icmpv6 accept
        iifname "int" udp dport {{ 53, 547 }} accept
        iifname "int" tcp dport 53 accept
    }}
}}
"""

_LEADS = """ct state established,related accept
        iifname "int" oifname { "int", "ext" } accept
        oifname "int" ct status dnat accept"""


def host_rules(table: str, veth: str, plan: AddressPlan) -> str:
    """The host's table; ``veth`` is its interface to the fabric."""
    rules = _HOST.format(
        table=table,
        veth=veth,
        guests=_braces([plan.transit, *(each.cidr for each in plan.public)]),
        hidden=_braces([plan.transit, *(each.cidr for each in plan.public if each.hidden)]),
        public=_braces([each.cidr for each in plan.public]),
        own=_braces([plan.gateway, *(each.gateway for each in plan.public)]),
    )
    return replacing(f"ip {table}", rules)


def network_rules(transit: str, floating: Mapping[str, str], *, leads: bool = True) -> str:
    """A network's namespace; ``floating`` maps floating to fixed addresses; ``leads``: it is the gateway.

    Of several floating addresses of one guest the lowest is the one it is seen by when it calls out.
    """
    outward = {inner: outer for outer, inner in sorted(floating.items(), reverse=True)}
    rules = _NETWORK.format(
        transit=transit,
        metadata=METADATA,
        inward=elements(f"{outer} : {inner}" for outer, inner in floating.items()),
        outward=elements(f"{inner} : {outer}" for inner, outer in outward.items()),
        pairs=elements(f"{outer} . {inner}" for outer, inner in floating.items()),
        forward=_LEADS if leads else "",
    )
    inwards = 'iifname "int" oifname "int" accept' if leads else ""
    return replacing("ip synnefo", rules) + replacing("ip6 synnefo", _NETWORK_IPV6.format(forward=inwards))


def load(rules: str, netns: str | None = None) -> None:
    """Load a ruleset in one transaction: all of it or, with BackendError, nothing."""
    namespaces.inside(netns, lambda: namespaces.run("nft", "-f", "-", stdin=rules))


def delete(table: str) -> None:
    """Remove a table of the calling namespace; absent is success."""
    load(f"table {table}\ndelete table {table}\n")


def foreign_drops(table: str) -> list[str]:
    """Forward chains of other tables of this namespace that drop by default, as ``ip filter FORWARD``."""
    listed = json.loads(namespaces.run("nft", "-j", "list", "chains"))["nftables"]
    return [
        f"{chain['family']} {chain['table']} {chain['name']}"
        for entry in listed
        if (chain := entry.get("chain")) and chain["family"] in ("ip", "inet") and chain["table"] != table
        if (chain.get("hook"), chain.get("policy")) == ("forward", "drop")
    ]


def replacing(table: str, rules: str) -> str:
    """The ruleset in place of whatever the table held."""
    # Naming the table first makes the delete succeed where there was none.
    return f"table {table}\ndelete table {table}\n{rules}"


def _braces(items: Iterable[object]) -> str:
    return f"{{ {', '.join(map(str, items))} }}"


def elements(items: Iterable[str]) -> str:
    """What a set or map begins with; an empty one is declared without."""
    listed = ", ".join(items)
    return f"elements = {{ {listed} }}" if listed else ""
