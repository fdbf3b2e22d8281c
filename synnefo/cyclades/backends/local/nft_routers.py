"""The packet rules of a router's namespace as text.

Owns what passes between a router's networks (interfaces ``in-…``), and between them and the outside
(``ext``). As in a network's namespace the ruleset is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_interface

from synnefo.cyclades.backends.base import RouterSpec
from synnefo.cyclades.backends.local.addresses import METADATA
from synnefo.cyclades.backends.local.nft import elements, replacing

# The pairs are checked on every packet, so that a connection does not outlive its floating address.
# Questions for metadata pass once and are answered past the router: their connections are not followed.
_IPV4 = """
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
    chain untracked {{
        type filter hook prerouting priority raw; policy accept;
        ip daddr {metadata} notrack
    }}
    chain prerouting {{
        type nat hook prerouting priority dstnat; policy accept;
        dnat to ip daddr map @inward
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        {postrouting}
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        {forward}
    }}
    chain input {{
        type filter hook input priority filter; policy drop;
        {input}
    }}
}}
table ip6 synnefo {{
    chain forward {{
        type filter hook forward priority filter; policy drop;
        {forward_ipv6}
    }}
    chain input {{
        type filter hook input priority filter; policy drop;
        {input_ipv6}
    }}
}}
"""

_LED = (
    "ct status dnat ct direction original ct original ip daddr . ip daddr != @pairs drop",
    "ct status dnat ct direction reply ct original ip daddr . ip saddr != @pairs drop",
    'iifname "in-*" oifname "in-*" accept',
)


def router_rules(spec: RouterSpec) -> str:
    """The rules of a router that is as ``spec`` says; nothing passes one that is not ``up``."""
    outward = {inner: outer for outer, inner in sorted(spec.floating.items(), reverse=True)}
    rules = _IPV4.format(
        metadata=METADATA,
        inward=elements(f"{outer} : {inner}" for outer, inner in spec.floating.items()),
        outward=elements(f"{inner} : {outer}" for inner, outer in outward.items()),
        pairs=elements(f"{outer} . {inner}" for outer, inner in spec.floating.items()),
        postrouting=_lines(_postrouting(spec)),
        forward=_lines(_forward(spec) if spec.up else ()),
        input=_lines(["meta l4proto icmp accept"] if spec.up else ()),
        forward_ipv6=_lines(_forward_ipv6() if spec.up else ()),
        input_ipv6=_lines(["meta l4proto icmpv6 accept"] if spec.up else ()),
    )
    return "table ip6 synnefo\ndelete table ip6 synnefo\n" + replacing("ip synnefo", rules)


def _postrouting(spec: RouterSpec) -> list[str]:
    """Guests of one network that meet by a floating address must answer by way of the router, too."""
    if spec.external is None:
        return []
    rules = [
        f'iifname "in-*" oifname "in-*" ct status dnat snat to {spec.external}',
        'oifname "ext" snat to ip saddr map @outward',
    ]
    return [*rules, f'oifname "ext" snat to {spec.external}'] if spec.snat else rules


def _forward(spec: RouterSpec) -> list[str]:
    rules = list(_LED)
    if spec.external is None:
        return rules
    rules += [
        f'oifname "ext" ct status snat ct direction original ct reply ip daddr != {spec.external} '
        "ct reply ip daddr . ip saddr != @pairs drop",
        "ct state established,related accept",
        'iifname "ext" ct status dnat accept',
    ]
    ranges = sorted({str(ip_interface(inner).network) for _, inner in spec.interfaces if ":" not in inner})
    if spec.snat:
        rules.append('iifname "in-*" oifname "ext" accept')
    elif ranges:  # who goes out under his own address may be reached under it, but nobody else under another
        own = f"{{ {', '.join(ranges)} }}"
        rules += [f'iifname "in-*" oifname "ext" ip saddr {own} accept']
        rules += [f'iifname "ext" oifname "in-*" ip daddr {own} accept']
    return rules


def _forward_ipv6() -> list[str]:
    """Between its own networks alone, and from where the sender lives."""
    return ["fib saddr . iif oif missing drop", 'iifname "in-*" oifname "in-*" accept']


def _lines(rules: Iterable[str]) -> str:
    return "\n        ".join(rules)
