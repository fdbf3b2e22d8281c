"""The packet rules: three nftables rulesets as text, and loading them.

Owns what may pass where. Everything else (namespaces, interfaces, daemons) is made by its neighbours.

* ``host_rules``: a table of the host's own namespace. Guests' traffic leaves masqueraded; new
  connections come in only to floating addresses; of the host's addresses on the fabric guests reach
  DNS and ICMP alone (its other addresses they see as any neighbour does). It accepts what it may in
  its own forward chain, but in nftables an ``accept`` ends only the chain it stands in: if another
  table (a firewall manager's, Docker's) drops forwarded packets by default, they stay dropped.
  ``foreign_drops`` finds such chains, so that the operator can be told; nothing here writes into
  tables of others.
* ``network_rules``: the namespace of one tenant network (interfaces ``int``, ``ext``).
* ``fabric_rules``: the bridges. What comes from a NIC must carry the NIC's own addresses.

Every ruleset is replaced as a whole in one transaction: there is no moment without rules, and
repeating it changes nothing. Established connections live on unless the rules forbid them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from synnefo.cyclades.backends.base import Nic
from synnefo.cyclades.backends.local import netns as namespaces
from synnefo.cyclades.backends.local.addresses import METADATA, AddressPlan

_HOST = """
table ip {table} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {guests} oifname != "{veth}" masquerade
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
        ip daddr {floating} accept
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
        ct state established,related accept
        iifname "int" oifname "ext" accept
        oifname "int" ct status dnat accept
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

_FABRIC = """
table bridge synnefo {{
    map nics {{
        type ifname . ether_addr : verdict
        {nics}
    }}
    set senders {{
        type ifname . ether_addr . ipv4_addr
        {senders}
    }}
    chain incoming {{
        type filter hook prerouting priority -300; policy accept;
        iifname "uplink" accept
        iifname "int-*" accept
        iifname "ext-*" accept
        iifname . ether saddr vmap @nics
        drop
    }}
    chain bound {{
        ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept
        ip saddr 0.0.0.0 drop
        iifname . ether saddr . ip saddr @senders goto common
        iifname . arp saddr ether . arp saddr ip @senders accept
        ether type ip6 goto common
        drop
    }}
    chain free {{
        ether type {{ ip, ip6 }} goto common
        ether type arp accept
        drop
    }}
    chain common {{
        udp sport 67 drop
        udp dport 68 drop
        udp sport 547 drop
        icmpv6 type {{ nd-router-advert, nd-redirect }} drop
        accept
    }}
}}
"""


def host_rules(table: str, veth: str, plan: AddressPlan) -> str:
    """The host's table; ``veth`` is its interface to the fabric."""
    rules = _HOST.format(
        table=table,
        veth=veth,
        guests=f"{{ {plan.transit}, {plan.floating} }}",
        floating=plan.floating,
        own=f"{{ {plan.gateway}, {plan.floating_gateway} }}",
    )
    return _replacing(f"ip {table}", rules)


def network_rules(transit: str, floating: Mapping[str, str]) -> str:
    """A network's namespace; ``floating`` maps floating to fixed addresses.

    Of several floating addresses of one guest the lowest is the one it is seen by when it calls out.
    """
    outward = {inner: outer for outer, inner in sorted(floating.items(), reverse=True)}
    rules = _NETWORK.format(
        transit=transit,
        metadata=METADATA,
        inward=_elements(f"{outer} : {inner}" for outer, inner in floating.items()),
        outward=_elements(f"{inner} : {outer}" for inner, outer in outward.items()),
        pairs=_elements(f"{outer} . {inner}" for outer, inner in floating.items()),
    )
    return _replacing("ip synnefo", rules)


def fabric_rules(nics: Iterable[Nic]) -> str:
    """The bridges' rules for the NICs that are plugged; a port that is not among them is mute.

    A NIC without an address may use any. The sender 0.0.0.0 is that of ARP probes.
    """
    ports, senders = [], []
    for nic in nics:
        port = f'"{nic.name}" . {nic.mac}'
        ports.append(f"{port} : goto {'bound' if nic.ip else 'free'}")
        if nic.ip:
            senders += [f"{port} . {nic.ip}", f"{port} . 0.0.0.0"]
    return _replacing("bridge synnefo", _FABRIC.format(nics=_elements(ports), senders=_elements(senders)))


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


def _replacing(table: str, rules: str) -> str:
    # Naming the table first makes the delete succeed where there was none.
    return f"table {table}\ndelete table {table}\n{rules}"


def _elements(items: Iterable[str]) -> str:
    listed = ", ".join(items)
    return f"elements = {{ {listed} }}" if listed else ""
