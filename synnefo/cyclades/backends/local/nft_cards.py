"""The rules of the bridges: what a card may say of itself, and what its filter lets through.

Owns the table ``bridge synnefo`` of the fabric namespace and the table ``inet synnefo_tracking`` beside
it. Three maps lead from a card's name to its chains: ``s_`` (may it send this under this name?), ``o_``
(its filter for what it sends) and ``i_`` (for what comes to it). What is not a card's or one of our own
cables' is dropped. A change of a network or of a card is one transaction, in which its chains and sets
are written anew; the others are not touched.

Bridges do not know connections here: the kernel's tracking of them in the bridge family is missing in
many kernels. Bridged packets pass the IP layer's tracking instead (``br_netfilter``), each network's in
a zone of its own since addresses repeat, and what is an answer there gets a mark that the filters see.
Filters look at every packet that is no answer: a rule that goes takes along what it had let in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, collapse_addresses

from synnefo.cyclades.backends.base import CardFilter, FilterRule
from synnefo.cyclades.backends.local.addresses import LINK_LOCAL, Range, eui64, network
from synnefo.cyclades.backends.local.wishes import ICMP, ICMPV6, protocol_number

#: The mark of packets that answer something; the only mark in the fabric.
_ANSWER = "0x1"

# "filter" is -200 for bridges: tracked packets do not come by the priority 0, which is br_netfilter's.
# The flushed chains are written anew by every transaction: it heals what was changed by hand.
_BASE = """
table inet synnefo_tracking {{
    map zones {{
        typeof iifname : ct zone
    }}
    chain apart {{
        type filter hook prerouting priority -300; policy accept;
    }}
    chain answers {{
        type filter hook prerouting priority -150; policy accept;
    }}
}}
flush chain inet synnefo_tracking apart
flush chain inet synnefo_tracking answers
table inet synnefo_tracking {{
    chain apart {{
        ct zone set iifname map @zones
    }}
    chain answers {{
        ct state established ct direction reply meta mark set {answer}
        ct state related meta mark set {answer}
    }}
}}
table bridge synnefo {{
    map sources {{
        type ifname : verdict
    }}
    map leaving {{
        type ifname : verdict
    }}
    map coming {{
        type ifname : verdict
    }}
    chain incoming {{
        type filter hook prerouting priority -300; policy accept;
    }}
    chain passing {{
        type filter hook forward priority filter; policy accept;
    }}
    chain common {{
    }}
}}
flush chain bridge synnefo incoming
flush chain bridge synnefo passing
flush chain bridge synnefo common
table bridge synnefo {{
    chain incoming {{
        meta mark set 0
        iifname "uplink" accept
        iifname "int-*" accept
        iifname "ext-*" accept
        iifname "in-*" accept
        iifname "out-*" accept
        iifname "lan-*" accept
        iifname vmap @sources
        drop
    }}
    chain passing {{
        iifname "lan-*" oifname "int-*" drop
        iifname "int-*" oifname "lan-*" drop
        iifname vmap @leaving
        oifname vmap @coming
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

_ALWAYS = (
    f"meta mark {_ANSWER} return",
    "ether type arp return",
    "icmpv6 type { 130, 131, 132, 133, 134, 135, 136, 143 } return",
)
_NOBODY = IPv4Network(0)
#: DHCP, by direction: what asks and what is answered.
_DHCP = {
    "egress": ("udp sport 68 udp dport 67 return", "udp sport 546 udp dport 547 return"),
    "ingress": ("udp sport 67 udp dport 68 return", "udp sport 547 udp dport 546 return"),
}


@dataclass(frozen=True)
class Card:
    """A plugged card and all that is decided about it.

    ``addresses`` None: any. ``network`` is the number of its network, ``shared``: on a bridge where other
    networks are, too.
    """

    name: str
    mac: str
    network: int
    addresses: Sequence[Range] | None
    filter: CardFilter
    shared: bool = False


@dataclass
class Change:
    """One transaction on the bridges' rules: cards and sets to write, and those to take away."""

    cards: list[Card] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    sets: dict[str, Sequence[Range]] = field(default_factory=dict)
    gone_sets: list[str] = field(default_factory=list)
    zones: dict[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """The ruleset for ``nft -f``; without cards and sets it is the frame that all others need."""
        lines = [_BASE.format(answer=_ANSWER)]
        for bridge, zone in self.zones.items():
            lines.append(f'add element inet synnefo_tracking zones {{ "{bridge}" : {zone} }}')
        for name, members in self.sets.items():
            lines += _set(name, members)
        for card in self.cards:
            lines += _card(card)
        for gone in self.gone:
            lines += _without(gone)
        for name in self.gone_sets:
            lines += [f"add set bridge synnefo {name} {_type(name)}", f"delete set bridge synnefo {name}"]
        return "\n".join([*lines, ""])


def set_names(index: int, sets: Mapping[str, Sequence[str]]) -> dict[str, Sequence[Range]]:
    """The nftables sets of network number ``index``: two for every set of addresses, by family."""
    found: dict[str, Sequence[Range]] = {}
    for name, members in sets.items():
        ranges = [network(each) for each in members]
        for version in (4, 6):
            of_version = [each for each in ranges if each.version == version]
            found[_set_name(index, name, version)] = list(collapse_addresses(of_version))  # type: ignore[type-var]
    return found


def _set_name(index: int, name: str, version: int) -> str:
    return f"g{index}_{hashlib.sha256(name.encode()).hexdigest()[:16]}_{version}"


def _type(name: str) -> str:
    return f"{{ type ipv{name[-1]}_addr; flags interval; }}"


def _set(name: str, members: Sequence[Range]) -> Iterator[str]:
    yield f"add set bridge synnefo {name} {_type(name)}"
    yield f"flush set bridge synnefo {name}"
    if members:
        yield f"add element bridge synnefo {name} {_braces(map(str, members))}"


# -- a card's chains ----------------------------------------------------------------------------
def _card(card: Card) -> Iterator[str]:
    chains = {
        "s": ("sources", "goto", list(_sender(card))),
        "o": ("leaving", "jump", list(_filter(card, "egress"))),
        "i": ("coming", "jump", list(_filter(card, "ingress"))),
    }
    for letter, (where, how, rules) in chains.items():
        chain = f"{letter}_{card.name}"
        yield f"add chain bridge synnefo {chain}"
        yield f"flush chain bridge synnefo {chain}"
        yield from (f"add rule bridge synnefo {chain} {rule}" for rule in rules)
        yield f'add element bridge synnefo {where} {{ "{card.name}" : {how} {chain} }}'


def _without(name: str) -> Iterator[str]:
    """Naming a thing first makes its removal succeed where there was none."""
    for letter, where, how in (("s", "sources", "goto"), ("o", "leaving", "jump"), ("i", "coming", "jump")):
        chain = f"{letter}_{name}"
        yield f"add chain bridge synnefo {chain}"
        yield f'add element bridge synnefo {where} {{ "{name}" : {how} {chain} }}'
        yield f'delete element bridge synnefo {where} {{ "{name}" }}'
        yield f"flush chain bridge synnefo {chain}"
        yield f"delete chain bridge synnefo {chain}"


def _sender(card: Card) -> Iterator[str]:
    """What it may say of itself. The sender 0.0.0.0 is that of ARP probes and of DHCP."""
    if not card.filter.up:
        yield "drop"
    elif not card.filter.secured:
        yield "accept"
    elif card.addresses is None:
        yield f"ether saddr {card.mac} ether type {{ ip, ip6 }} goto common"
        yield f"ether saddr {card.mac} ether type arp accept"
        yield "drop"
    else:
        for mac, ranges in _names(card).items():
            yield from _as(mac, ranges)
        yield "drop"


def _names(card: Card) -> dict[str, list[Range]]:
    """By hardware address what may be used with it: its own, what is let besides, and the link's own."""
    found: dict[str, list[Range]] = {card.mac: list(card.addresses or ())}
    for pair, mac in card.filter.address_pairs:
        found.setdefault((mac or card.mac).lower(), []).append(network(pair))
    for mac, ranges in found.items():
        ranges.append(IPv6Network(eui64(LINK_LOCAL, mac)))
    return found


def _as(mac: str, ranges: Sequence[Range]) -> Iterator[str]:
    me = f"ether saddr {mac}"
    old = list(collapse_addresses(each for each in ranges if isinstance(each, IPv4Network)))
    new = list(collapse_addresses(each for each in ranges if isinstance(each, IPv6Network)))
    probes = _braces(map(str, collapse_addresses([*old, _NOBODY])))
    yield f"{me} ip saddr {_NOBODY[0]} udp sport 68 udp dport 67 accept"
    yield f"{me} arp saddr ether {mac} arp saddr ip {probes} accept"
    if old:
        yield f"{me} ip saddr {_braces(map(str, old))} goto common"
    own = _braces(
        f"{_hex(each[0])}-{_hex(each[-1])}" if each[0] != each[-1] else _hex(each[0]) for each in new
    )
    here = f"{me} ip6 saddr {_braces(map(str, new))}"
    # What a neighbour says of itself stands in the message, not in its sender's address alone.
    yield f"{here} icmpv6 type nd-neighbor-advert @th,64,128 {own} accept"
    yield f"{here} icmpv6 type != nd-neighbor-advert goto common"
    yield f"{here} meta l4proto != 58 goto common"
    yield f"{me} ip6 saddr :: icmpv6 type nd-neighbor-solicit @th,64,128 {own} accept"
    yield f"{me} ip6 saddr :: icmpv6 type {{ 131, 132, 133, 143 }} accept"


# -- filters ------------------------------------------------------------------------------------
def _filter(card: Card, direction: str) -> Iterator[str]:
    here = "iifname" if direction == "ingress" else "oifname"
    if not card.filter.up:
        yield "drop"
        return
    if card.shared:  # every network on a shared bridge has a server of its own, for its own cards
        yield f'{here} "int-*" {here} != "int-{card.network}" drop'
    if card.filter.rules is None or not card.filter.secured:
        return
    yield from (*_ALWAYS, *_DHCP[direction])
    for rule in card.filter.rules:
        if rule.direction == direction:
            yield f"{_match(rule, card.network)} return"
    yield "drop"


def _match(rule: FilterRule, index: int) -> str:
    family = "ip" if rule.ethertype == "IPv4" else "ip6"
    version = 4 if family == "ip" else 6
    end = "saddr" if rule.direction == "ingress" else "daddr"
    parts = [f"ether type {family}"]
    if rule.remote_cidr and network(rule.remote_cidr).prefixlen > 0:
        parts.append(f"{family} {end} {rule.remote_cidr}")
    if rule.remote_set:
        parts.append(f"{family} {end} @{_set_name(index, rule.remote_set, version)}")
    number = protocol_number(rule)
    if number is not None:
        parts.append(f"meta l4proto {number}")
    if rule.port_min is not None:
        parts.append(_ports(rule, number))
    return " ".join(parts)


def _ports(rule: FilterRule, number: int | None) -> str:
    if number in (ICMP, ICMPV6):
        name = "icmp" if number == ICMP else "icmpv6"
        code = f" {name} code {rule.port_max}" if rule.port_max is not None else ""
        return f"{name} type {rule.port_min}{code}"
    if rule.port_min == rule.port_max:
        return f"th dport {rule.port_min}"
    return f"th dport {rule.port_min}-{rule.port_max}"


def _braces(items: Iterable[str]) -> str:
    return f"{{ {', '.join(items)} }}"


def _hex(address: IPv6Address) -> str:
    return f"0x{int(address):032x}"
